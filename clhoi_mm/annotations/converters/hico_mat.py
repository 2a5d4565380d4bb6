"""Reader of HICO-DET's original file, anno_bbox.mat."""

import zlib
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary, normalize_name

from .hico_image import HICOImage

SPLITS = dict(train='bbox_train', test='bbox_test')
IMAGE_FIELDS = ('filename', 'size', 'hoi')
HOI_FIELDS = ('id', 'bboxhuman', 'bboxobject', 'connection', 'invis')


class HICOMatFile:
    """Reads ``anno_bbox.mat`` (HICO_20160224_det of Chao et al., WACV 2018).

    ``bbox_train`` and ``bbox_test`` are struct arrays with ``filename``,
    ``size`` (width, height, depth) and ``hoi``, itself a struct array with
    ``id`` (1 to 600), ``bboxhuman`` and ``bboxobject`` (x1, x2, y1, y2;
    1-based inclusive), ``connection`` (rows of indices into both, from 1) and
    ``invis``. ``list_action`` names the classes by ``vname`` and ``nname``.
    Files with one of the splits, or without the names, are accepted.

    One split is in memory at a time. scipy is imported when a file is read.

    Args:
        path (str | PathLike): The file.
        vocabulary (HOIVocabulary): HICO-DET's, which ``list_action`` must
            agree with.

    Raises:
        ValueError: If the file is of another format.
    """

    source = "HICO-DET's anno_bbox.mat"

    def __init__(self, path: Path, vocabulary: HOIVocabulary) -> None:
        self.path = Path(path)
        self.vocabulary = vocabulary
        names = [name for name, *_ in self._call('whosmat')]
        self.splits: Tuple[str, ...] = tuple(
            split for split, variable in SPLITS.items() if variable in names
        )
        if not self.splits:
            raise ValueError(
                f'{path}: neither of {list(SPLITS.values())}; '
                'anno_bbox.mat of HICO_20160224_det has both.'
            )
        self.rare = None
        if 'list_action' in names:
            self._check_classes(self._load('list_action'))

    def read(self, split: str) -> Iterator[HICOImage]:
        """Iterate over the images of 'train' or 'test'."""
        variable = SPLITS[split]
        for i, record in enumerate(self._load(variable)):
            where = f'{self.path}, {variable}({i + 1})'
            try:
                yield self._image(where, record)
            except (AttributeError, IndexError, TypeError) as error:
                raise ValueError(
                    f'{where}: not of the known structure ({error}).'
                ) from error

    def _load(self, variable: str) -> np.ndarray:
        content = self._call('loadmat', variable_names=[variable])
        return content[variable].ravel()

    def _call(self, function: str, **kwargs) -> Any:
        """Call a function of scipy.io on the file."""
        from scipy import io

        try:
            return getattr(io, function)(str(self.path), **kwargs)
        except (
            io.matlab.MatReadError,
            NotImplementedError,
            OSError,
            TypeError,
            ValueError,
            zlib.error,
        ) as error:
            raise ValueError(
                f'{self.path}: no MATLAB file ({error}); fetch '
                'anno_bbox.mat again.'
            ) from error

    def _check_classes(self, actions: np.ndarray) -> None:
        vocab = self.vocabulary
        try:
            names = [
                (_text(row['vname']), _text(row['nname'])) for row in actions
            ]
        except (IndexError, ValueError) as error:
            raise ValueError(
                f'{self.path}, list_action: not of the known '
                f'structure ({error}).'
            ) from error
        vocab_names = [
            (vocab.verbs[v], vocab.objects[o])
            for v, o in zip(vocab.hoi_verbs, vocab.hoi_objects)
        ]
        for i, (given, expected) in enumerate(zip(names, vocab_names)):
            if [normalize_name(x) for x in given] != [
                normalize_name(x) for x in expected
            ]:
                raise ValueError(
                    f'{self.path}, list_action({i + 1}): '
                    f'{" ".join(given)}, where HICO-DET has '
                    f'{" ".join(expected)}.'
                )

    def _image(self, where: str, record: Any) -> HICOImage:
        _require(where, record, IMAGE_FIELDS)
        size = record['size'].ravel()[0]
        bboxes: List[List[float]] = []
        labels: List[int] = []
        pairs: List[Tuple[int, int, int]] = []
        invisible: List[int] = []
        for j, hoi in enumerate(record['hoi'].ravel()):
            _require(f'{where}, hoi({j + 1})', hoi, HOI_FIELDS)
            label = int(_number(hoi['id'])) - 1
            if not 0 <= label < self.vocabulary.num_hois:
                raise ValueError(
                    f'{where}, hoi({j + 1}): id {label + 1} is '
                    'no class of HICO-DET.'
                )
            if _number(hoi['invis']):
                invisible.append(label)
                continue
            humans, objects = (
                _boxes(hoi['bboxhuman']),
                _boxes(hoi['bboxobject']),
            )
            links = hoi['connection'].reshape(-1, 2).astype(np.int64)
            # Invalid indices stay invalid.
            links[(links < 1) | (links > (len(humans), len(objects)))] = 0
            first = len(bboxes)
            bboxes += humans + objects
            labels += [self.vocabulary.person_label] * len(humans)
            labels += [int(self.vocabulary.hoi_objects[label])] * len(objects)
            # An interaction without any pair is image-level.
            if not len(links):
                invisible.append(label)
            starts = (first, first + len(humans))
            links = np.where(links > 0, links - 1 + starts, -1)
            pairs += [(*link, label) for link in links.tolist()]
        return HICOImage.from_lists(
            where,
            _text(record['filename']),
            [_number(size['width']), _number(size['height'])],
            bboxes,
            labels,
            pairs,
            invisible,
        )


def _require(where: str, record: np.void, fields: Tuple[str, ...]) -> None:
    missing = set(fields) - set(record.dtype.names or ())
    if missing:
        raise ValueError(
            f'{where}: not of the known structure, no '
            f'{", ".join(sorted(missing))}.'
        )


def _number(value: np.ndarray) -> float:
    return float(value.ravel()[0])


def _text(value: np.ndarray) -> str:
    return str(value.ravel()[0])


def _boxes(rows: np.ndarray) -> List[List[float]]:
    """Convert boxes to xyxy; an empty array has no fields."""
    return [
        [_number(row[key]) for key in ('x1', 'y1', 'x2', 'y2')]
        for row in rows.ravel()
    ]
