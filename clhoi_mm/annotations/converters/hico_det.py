"""Converter of HICO-DET's files."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np
from tqdm import tqdm

from clhoi_mm.vocabulary import HOIVocabulary

from ..annotation_builder import AnnotationBuilder
from ..image_sizes import extent, read_image_sizes
from ..text_file import read_json
from .hico_hicodet import HICODetJSONFile
from .hico_image import HICOImage
from .hico_mat import HICOMatFile
from .hico_ppdm import HICOPPDMFile

HICOFile = Union[HICOMatFile, HICOPPDMFile, HICODetJSONFile]
RARE_BELOW = 10
BOXES = 'zero-based continuous, from 1-based inclusive pixels'


@dataclass
class HICOReport:
    """Summary of a written annotation file.

    Attributes:
        path (Path): The file written.
        source (str): Kind of the source file.
        images (int): Number of images.
        without_pairs (int): Images without a visible pair.
        boxes (int): Annotated boxes, equal ones of an image counted once.
        pairs (int): Visible pairs.
        invisible (int): Image-level interactions without boxes.
        classes (int): HOI classes with a visible pair.
        rare (int): Rare HOI classes.
        rare_from (str): Source of the rare flags.
        rare_differs (int): Classes whose flag is not the published one.
        sizes_from (str): Source of widths and heights.
        dropped (List[str]): Pairs left out, with the reason.
    """

    path: Path
    source: str
    images: int
    without_pairs: int
    boxes: int
    pairs: int
    invisible: int
    classes: int
    rare: int
    rare_from: str
    rare_differs: int
    sizes_from: str
    dropped: List[str]


def open_hico_file(path: Union[str, os.PathLike]) -> HICOFile:
    """Open one of HICO-DET's files, recognized by its content.

    Args:
        path (str | PathLike): ``anno_bbox.mat``, PPDM's and QPIC's
            ``trainval_hico.json`` and ``test_hico.json``, or hicodet's
            ``instances_{train,test}2015.json``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none of them or inconsistent.
    """
    path, vocabulary = Path(path), HOIVocabulary.load('hico_det')
    if path.suffix == '.mat':
        if not path.is_file():
            raise FileNotFoundError(f'{path}: no such file.')
        return HICOMatFile(path, vocabulary)
    content = read_json(path)
    if isinstance(content, dict) and 'correspondence' in content:
        return HICODetJSONFile(path, content, vocabulary)
    if (
        isinstance(content, list)
        and content
        and isinstance(content[0], dict)
        and 'hoi_annotation' in content[0]
    ):
        return HICOPPDMFile(path, content, vocabulary)
    raise ValueError(
        f'{path}: none of the known files: anno_bbox.mat, trainval_hico.json '
        'and test_hico.json (a list with hoi_annotation), '
        'instances_{train,test}2015.json (with correspondence).'
    )


def convert_hico_det(
    sources: Sequence[Union[str, os.PathLike]],
    out: Union[str, os.PathLike],
    images: Optional[Union[str, os.PathLike]] = None,
    drop_inconsistent: bool = False,
    progress: bool = False,
) -> List[HICOReport]:
    """Write ``train.json`` and ``test.json``, as far as sources have them.

    Rare classes have fewer than ten visible training pairs, counted if the
    training annotations are among the sources; otherwise the source's own list
    or the vocabulary's is used.

    Args:
        sources (Sequence[str | PathLike]): See :func:`open_hico_file`.
        out (str | PathLike): Folder, or the JSON file where there is one
            split.
        images (str | PathLike, optional): Folder with ``train2015/`` and
            ``test2015/``, for sizes that the source lacks. Defaults to None:
            the extent of an image's boxes.
        drop_inconsistent (bool): Whether to leave out pairs that contradict
            their boxes or classes instead of refusing the file. Defaults to
            False.
        progress (bool): Whether to show progress bars.

    Returns:
        List[HICOReport]: One per written file.

    Raises:
        ValueError: If a source is inconsistent; the message names the record.
    """
    files = [open_hico_file(path) for path in sources]
    # Training first, since rare classes are counted there.
    work = sorted(
        ((split, i) for i, file in enumerate(files) for split in file.splits),
        key=lambda item: item[0] != 'train',
    )
    splits = [split for split, _ in work]
    if len(set(splits)) < len(splits):
        raise ValueError('several sources hold the same split; give one.')
    single = str(out).endswith('.json')
    if single and len(splits) > 1:
        raise ValueError(
            f'{out} is one file, but the source holds '
            f'{" and ".join(splits)}; name a folder.'
        )
    vocabulary = HOIVocabulary.load('hico_det')
    counted, reports = None, []
    for split, i in work:
        converter = _Converter(
            vocabulary, files[i], split, images, drop_inconsistent, progress
        )
        counts = converter.counts
        if split == 'train':
            counted = counts < RARE_BELOW
        rare, rare_from = vocabulary.rare, 'the published list'
        if counted is not None:
            rare, rare_from = counted, 'counted in the training annotations'
        elif files[i].rare is not None:
            rare = np.zeros(vocabulary.num_hois, bool)
            rare[files[i].rare] = True
            rare_from = "the source's list"
        path = Path(out) if single else Path(out, f'{split}.json')
        converter.builder.save(path, rare)
        reports.append(
            HICOReport(
                path=path,
                source=files[i].source,
                images=len(converter.builder.images),
                without_pairs=converter.without_pairs,
                boxes=len(converter.builder.annotations),
                pairs=int(counts.sum()),
                invisible=len(converter.builder.hois) - int(counts.sum()),
                classes=int((counts > 0).sum()),
                rare=int(rare.sum()),
                rare_from=rare_from,
                rare_differs=int((rare != vocabulary.rare).sum()),
                sizes_from=converter.sizes_from,
                dropped=converter.dropped,
            )
        )
    return reports


class _Converter:
    """Converts one split of one file."""

    def __init__(
        self,
        vocabulary: HOIVocabulary,
        file: HICOFile,
        split: str,
        images: Optional[Union[str, os.PathLike]],
        drop_inconsistent: bool,
        progress: bool,
    ) -> None:
        self.vocabulary = vocabulary
        self.counts = np.zeros(vocabulary.num_hois, np.int64)
        self.without_pairs = 0
        self.dropped: List[str] = []
        self.sizes_from = 'the source'
        self._drop = drop_inconsistent
        records = self._check(
            tqdm(file.read(split), split, unit=' images', disable=not progress)
        )
        records = self._with_sizes(records, images, progress)
        self.builder = AnnotationBuilder(
            vocabulary,
            dict(
                description=f'HICO-DET {split}',
                source=file.source,
                boxes=BOXES,
                sizes=f'from {self.sizes_from}',
            ),
        )
        for record in records:
            self._add(record)

    def _check(self, records: Iterable[HICOImage]) -> List[HICOImage]:
        checked, first = [], {}
        for record in records:
            if record.file_name in first:
                raise ValueError(
                    f'{record.where}: {record.file_name} occurs '
                    f'twice, first in {first[record.file_name]}.'
                )
            if checked and record.split != checked[0].split:
                raise ValueError(
                    f'{record.where}: {record.file_name} among '
                    f'{checked[0].split} images.'
                )
            first[record.file_name] = record.where
            bad, reason = record.faults(self.vocabulary)
            if reason and not self._drop:
                raise ValueError(
                    f'{reason}. Correct it, or leave such pairs '
                    'out with --drop-inconsistent.'
                )
            if reason:
                self.dropped.append(
                    f'{int(bad.sum())} of {len(bad)} pairs: {reason}'
                )
                record.pairs = record.pairs[~bad]
            checked.append(record)
        return checked

    def _with_sizes(
        self,
        records: List[HICOImage],
        images: Optional[Union[str, os.PathLike]],
        progress: bool,
    ) -> List[HICOImage]:
        missing = [record for record in records if record.size is None]
        if not missing:
            return records
        if images is None:
            self.sizes_from = 'the extent of the boxes'
            sizes: List[Tuple[int, int]] = [
                extent(record.continuous_bboxes) for record in missing
            ]
        else:
            self.sizes_from = 'the images'
            sizes = read_image_sizes(images, map(_relative, missing), progress)
        if len(missing) < len(records):
            self.sizes_from = (
                f'the source, {len(missing)} from {self.sizes_from}'
            )
        for record, size in zip(missing, sizes):
            record.size = size
        return records

    def _add(self, record: HICOImage) -> None:
        builder, classes = self.builder, self.vocabulary
        visible = record.pairs[:, 2]
        builder.add_image(
            record.number,
            _relative(record),
            record.size,
            [*visible.tolist(), *record.invisible],
        )
        whole = (record.bboxes[:, 2:] >= record.bboxes[:, :2]).all(1)
        ids = [
            builder.add_box(label, box) if is_valid else None
            for label, box, is_valid in zip(
                record.labels.tolist(),
                record.continuous_bboxes.tolist(),
                whole.tolist(),
            )
        ]
        for human, obj, label in record.pairs:
            builder.add_hoi(ids[human], ids[obj], classes.hoi_verbs[label])
        for label in record.invisible:
            builder.add_hoi(None, None, classes.hoi_verbs[label], True)
        np.add.at(self.counts, visible, 1)
        self.without_pairs += not len(visible)


def _relative(record: HICOImage) -> str:
    return f'{record.split}2015/{record.file_name}'
