"""Reader of HICO-DET's JSON files of PPDM and QPIC."""

from pathlib import Path
from typing import Any, Iterator, List, Optional

from clhoi_mm.vocabulary import HOIVocabulary

from .hico_image import HICOImage

# COCO's category ids in the order of its 80 names.
COCO_IDS = [
    i
    for i in range(1, 91)
    if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
]


class HICOPPDMFile:
    """Reads ``trainval_hico.json`` and ``test_hico.json``.

    A list of images with ``file_name``, ``annotations`` (``bbox`` xyxy,
    ``category_id`` as in COCO) and ``hoi_annotation`` (``subject_id`` and
    ``object_id``, indices into the annotations; ``category_id``, the verb
    from 1; ``hoi_category_id``, the class from 1). The boxes are those of
    ``anno_bbox.mat`` unchanged, 1-based inclusive. Sizes and invisible
    interactions are not in these files.

    Args:
        path (str | PathLike): Path of the file, for error messages.
        content (list): Content of the file.
        vocabulary (HOIVocabulary): HICO-DET's.
    """

    source = "PPDM's and QPIC's JSON of HICO-DET"

    def __init__(
        self, path: Path, content: List[dict], vocabulary: HOIVocabulary
    ) -> None:
        self.path = Path(path)
        self.vocabulary = vocabulary
        self._content = content
        coco = HOIVocabulary.load('v_coco').objects
        self._labels = {
            number: vocabulary.object_label(name)
            for number, name in zip(COCO_IDS, coco)
        }
        first = self._image(0, content[0])
        self.splits = (first.split,)
        self.rare: Optional[List[int]] = None

    def read(self, split: str) -> Iterator[HICOImage]:
        """Iterate over the images in the file's order."""
        for i, record in enumerate(self._content):
            yield self._image(i, record)

    def _image(self, i: int, record: Any) -> HICOImage:
        where = f'{self.path}, record {i}'
        try:
            return self._parse(where, record)
        except (KeyError, TypeError) as error:
            raise ValueError(
                f'{where}: a field is missing or of another type ({error!r}).'
            ) from error

    def _parse(self, where: str, record: dict) -> HICOImage:
        pairs = []
        for j, hoi in enumerate(record['hoi_annotation']):
            verb = int(hoi['category_id']) - 1
            obj_row = int(hoi['object_id'])
            label = int(hoi.get('hoi_category_id', 0)) - 1
            if label < 0 and 0 <= obj_row < len(record['annotations']):
                obj = self._label(where, record['annotations'][obj_row])
                label = self.vocabulary.hoi_id(verb, obj)
            elif (
                0 <= label < self.vocabulary.num_hois
                and self.vocabulary.hoi_verbs[label] != verb
            ):
                raise ValueError(
                    f'{where}, {record["file_name"]}, hoi_annotation {j}: '
                    f'category_id {verb + 1} is not the verb of '
                    f'hoi_category_id {label + 1}.'
                )
            pairs.append((int(hoi['subject_id']), obj_row, label))
        return HICOImage.from_lists(
            where,
            record['file_name'],
            None,
            [ann['bbox'] for ann in record['annotations']],
            [self._label(where, ann) for ann in record['annotations']],
            pairs,
        )

    def _label(self, where: str, annotation: dict) -> int:
        number = int(annotation['category_id'])
        if number not in self._labels:
            raise ValueError(
                f"{where}: category_id {number} is none of COCO's."
            )
        return self._labels[number]
