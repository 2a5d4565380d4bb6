"""Reader of HICO-DET's JSON files of github.com/fredzzhang/hicodet."""

from pathlib import Path
from typing import Iterator, List

from clhoi_mm.vocabulary import HOIVocabulary

from .hico_image import HICOImage

_LISTS = (
    'annotation',
    'filenames',
    'size',
    'objects',
    'verbs',
    'correspondence',
)


class HICODetJSONFile:
    """Reads ``instances_train2015.json`` and ``instances_test2015.json``.

    Parallel lists ``filenames``, ``size`` and ``annotation`` (``boxes_h``,
    ``boxes_o``, ``hoi``, ``object`` and ``verb`` of each pair), and the
    classes: ``objects``, ``verbs``, ``correspondence`` (rows of HOI, object
    and verb label) and ``rare``. Boxes are 1-based inclusive, xyxy. Invisible
    interactions are not in these files.

    Args:
        path (str | PathLike): Path of the file, for error messages.
        content (dict): Content of the file.
        vocabulary (HOIVocabulary): HICO-DET's, which the lists must equal.

    Raises:
        ValueError: If the file is of another format.
    """

    source = "hicodet's instances JSON of HICO-DET"

    def __init__(
        self, path: Path, content: dict, vocabulary: HOIVocabulary
    ) -> None:
        self.path = Path(path)
        self.vocabulary = vocabulary
        self._content = content
        missing = [
            key for key in _LISTS if not isinstance(content.get(key), list)
        ]
        if missing:
            raise ValueError(f'{path}: no list under {", ".join(missing)}.')
        lengths = {key: len(content[key]) for key in _LISTS[:3]}
        if len(set(lengths.values())) > 1 or not lengths['filenames']:
            raise ValueError(f'{path}: lists of lengths {lengths}.')
        self._check_classes()
        self.splits = (self._image(0).split,)
        self.rare = content.get('rare')

    def read(self, split: str) -> Iterator[HICOImage]:
        """Iterate over the images in the file's order."""
        for i in range(len(self._content['filenames'])):
            yield self._image(i)

    def _check_classes(self) -> None:
        vocab, content = self.vocabulary, self._content
        expected = dict(
            objects=list(vocab.objects),
            verbs=list(vocab.verbs),
            correspondence=[
                [i, int(o), int(v)]
                for i, (o, v) in enumerate(
                    zip(vocab.hoi_objects, vocab.hoi_verbs)
                )
            ],
        )
        for key, rows in expected.items():
            for i, (given, row) in enumerate(zip(content[key], rows)):
                if given != row:
                    raise ValueError(
                        f'{self.path}, {key}[{i}]: {given!r}, '
                        f'where HICO-DET has {row!r}.'
                    )
            if len(content[key]) != len(rows):
                raise ValueError(
                    f'{self.path}: {len(content[key])} {key}; '
                    f'HICO-DET has {len(rows)}.'
                )

    def _image(self, i: int) -> HICOImage:
        content = self._content
        name, ann = content['filenames'][i], content['annotation'][i]
        where = f'{self.path}, record {i}'
        keys = ('boxes_h', 'boxes_o', 'hoi', 'object', 'verb')
        try:
            columns: List[list] = [ann[key] for key in keys]
            num = len(columns[0])
        except (KeyError, TypeError) as error:
            raise ValueError(
                f'{where}, {name}: a field is missing or of '
                f'another type ({error!r}).'
            ) from error
        if any(len(column) != num for column in columns):
            lengths = {key: len(c) for key, c in zip(keys, columns)}
            raise ValueError(f'{where}, {name}: lists of lengths {lengths}.')
        humans, objects, hois, labels, verbs = columns
        for j, (hoi, verb) in enumerate(zip(hois, verbs)):
            if (
                0 <= hoi < self.vocabulary.num_hois
                and self.vocabulary.hoi_verbs[hoi] != verb
            ):
                raise ValueError(
                    f'{where}, {name}, pair {j}: verb {verb} is '
                    f'not that of class {hoi}.'
                )
        return HICOImage.from_lists(
            where,
            name,
            content['size'][i],
            humans + objects,
            [self.vocabulary.person_label] * num + labels,
            [(j, num + j, hoi) for j, hoi in enumerate(hois)],
        )
