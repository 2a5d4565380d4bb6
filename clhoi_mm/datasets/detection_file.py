"""File with a frozen detector's outputs for a data set."""

import json
import os
from functools import lru_cache
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np
from safetensors import SafetensorError, safe_open

from clhoi_mm.utils.image_reader import UnreadableImage

from .key_check import KeySource

FORMAT = 'clhoi_mm detections'
VERSION = 2  # since then views are mirrored before padding
REMEDY = 'create it with tools/analysis_tools/cache_detections.py'
TABLES = (
    'key_bytes',
    'key_offsets',
    'flipped',
    'shapes',
    'scale_factors',
    'offsets',
    'bboxes',
    'labels',
    'scores',
)
FEATURE_TABLES = ('map_shapes', 'roi_offsets', 'rois')
# Sliced on demand; other tensors are small and read when the file is opened.
BULK = ('maps', 'roi_feats')


class DetectionFile:
    """Detections, and optionally feature maps and RoI features, by view.

    A view is an image as transformed by a pipeline: original or mirrored. The
    file is a safetensors file of :class:`DetectionFileWriter`; large tensors
    stay on disk and are memory-mapped. Instances can be pickled
    and copied to worker processes; each process opens a file once.

    Args:
        path (str | PathLike): The file.

    Attributes:
        detector (dict): ``config`` and ``weights``, hashes of the detector,
            and its ``type``.
        classes (List[str]): Class names of the labels.
        unreadable (Dict[str, str]): Image key to the reason it cannot be
            read.
        features (dict, optional): ``roi_extractor``, the hash of its config
            or None. None where the file holds detections only.
        flipped (np.ndarray): Whether a view is mirrored, (V, ) bool.
        shapes (np.ndarray): Height and width of the original image, of the
            network's input and of the padded input, (V, 3, 2).
        scale_factors (np.ndarray): Scale factors of x and y, (V, 2).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged or of another format.
    """

    def __init__(self, path: Union[str, os.PathLike]) -> None:
        self.path = os.path.abspath(path)
        if not os.path.isfile(self.path):
            raise FileNotFoundError(f'No file {path} of detections; {REMEDY}.')
        try:
            self._file = safe_open(self.path, 'numpy')
            meta = self._file.metadata() or {}
            if (meta.get('format'), meta.get('version')) != (
                FORMAT,
                str(VERSION),
            ):
                raise ValueError(
                    f'format is {meta.get("format")!r}, version '
                    f'{meta.get("version")!r}; this release '
                    f'reads {FORMAT!r}, {VERSION}'
                )
            self.detector: Dict[str, str] = json.loads(meta['detector'])
            self.classes: List[str] = json.loads(meta['classes'])
            self.features: Optional[dict] = json.loads(meta['features'])
            self.unreadable: Dict[str, str] = json.loads(
                meta.get('unreadable', '{}')
            )
            names = TABLES + (FEATURE_TABLES if self.features else ())
            tables = {name: self._file.get_tensor(name) for name in names}
            self._bulk = {
                name: self._file.get_slice(name)
                for name in (BULK if self.features else ())
            }
            if 'query_embeds' in self._file.keys():
                self._bulk['query_embeds'] = self._file.get_slice(
                    'query_embeds'
                )
            self._set_tables(tables)
        except (SafetensorError, KeyError, ValueError) as error:
            raise ValueError(
                f'{path}: no readable file of detections ({error}); {REMEDY}.'
            ) from error

    @classmethod
    def open(cls, path: Union[str, os.PathLike]) -> 'DetectionFile':
        """Open a file, once per process unless it changes.

        Args:
            path (str | PathLike): The file.
        """
        path = os.path.abspath(path)
        stamp = os.stat(path).st_mtime_ns if os.path.isfile(path) else None
        return _open(cls, path, stamp)

    def __reduce__(self) -> tuple:
        return type(self).open, (self.path,)

    def __len__(self) -> int:
        return len(self.flipped)

    def _set_tables(self, tables: Dict[str, np.ndarray]) -> None:
        text, ends = tables['key_bytes'].tobytes(), tables['key_offsets']
        keys = [text[start:end].decode() for start, end in zip(ends, ends[1:])]
        self.flipped = tables['flipped'].astype(bool)
        self.shapes = tables['shapes']
        self.scale_factors = tables['scale_factors']
        self._offsets = tables['offsets']
        self._fields = {
            name: tables[name] for name in ('bboxes', 'labels', 'scores')
        }
        lengths = dict(offsets=(self._offsets[-1], len(tables['bboxes'])))
        if 'query_embeds' in self._bulk:
            lengths['query_embeds'] = (
                len(tables['bboxes']),
                self._bulk['query_embeds'].get_shape()[0],
            )
        if self.features:
            self._map_shapes = tables['map_shapes']
            sizes = self._map_shapes.prod(2, dtype=np.int64)
            self._map_ends = sizes.cumsum().reshape(sizes.shape)
            self._roi_offsets = tables['roi_offsets']
            self._rois = tables['rois']
            lengths.update(
                map_shapes=(sizes.sum(), self._bulk['maps'].get_shape()[0]),
                roi_offsets=(self._roi_offsets[-1], len(self._rois)),
                rois=(len(self._rois), self._bulk['roi_feats'].get_shape()[0]),
            )
        for name, (stated, num_rows) in lengths.items():
            if stated != num_rows:
                raise ValueError(
                    f'tensor "{name}" implies {stated} rows '
                    f'and there are {num_rows}'
                )
        self._rows = {
            view: row
            for row, view in enumerate(zip(keys, self.flipped.tolist()))
        }

    @property
    def key_source(self) -> KeySource:
        """Keys of the file, including those of unreadable images."""
        keys = {key for key, _ in self._rows} | set(self.unreadable)
        return KeySource(
            keys,
            f'the detections {self.path}',
            f'{REMEDY}, over the split that is used',
        )

    def find(self, key: str, flipped: bool = False) -> int:
        """Find the row of a view.

        Args:
            key (str): The image's key.
            flipped (bool): Whether it is mirrored.

        Raises:
            KeyError: If the view is not in the file.
            UnreadableImage: If the image was unreadable when the file was
                made.
        """
        row = self._rows.get((key, flipped))
        if row is None and key in self.unreadable:
            raise UnreadableImage(
                f'{self.path} has no image "{key}", which could not be read '
                f'when the file was made ({self.unreadable[key]})'
            )
        if row is None:
            mirrored = 'mirrored ' if flipped else ''
            raise KeyError(
                f'{mirrored}image "{key}" is not among the {len(self)} views '
                f'of {self.path}; {REMEDY}, over the split that is used, and '
                'with --features where training mirrors images'
            )
        return row

    def detections(self, row: int) -> Dict[str, np.ndarray]:
        """Read the detections of a view.

        Args:
            row (int): Result of :meth:`find`.

        Returns:
            Dict[str, np.ndarray]: ``bboxes`` (n, 4) in the network's input
            coordinates, ``labels`` of ``classes`` (n, ), ``scores`` (n, );
            ``query_embeds`` (n, C) for detectors with queries.
        """
        start, end = self._offsets[row : row + 2].tolist()
        fields = {k: table[start:end] for k, table in self._fields.items()}
        if 'query_embeds' in self._bulk:
            fields['query_embeds'] = self._slice(
                'query_embeds', start, end
            ).astype(np.float32)
        return fields

    def _slice(self, name: str, start: int, end: int) -> np.ndarray:
        """Read rows of a tensor that stays on disk."""
        if start == end:
            # safetensors cannot slice an empty range at a tensor's end.
            return np.zeros([0, *self._bulk[name].get_shape()[1:]], np.float16)
        return self._bulk[name][start:end]

    def maps(self, row: int) -> List[np.ndarray]:
        """Read a view's feature maps, each (C, h, w) float16.

        Levels that are not stored are empty.

        Args:
            row (int): Result of :meth:`find`.
        """
        ends = self._map_ends[row]
        shapes = self._map_shapes[row]
        start = int(ends[0] - shapes[0].prod(dtype=np.int64))
        flat = self._bulk['maps'][start : int(ends[-1])]
        parts = np.split(flat, ends[:-1] - start)
        return [part.reshape(shape) for part, shape in zip(parts, shapes)]

    def rois(self, row: int) -> Tuple[np.ndarray, np.ndarray]:
        """Read RoI features of a view's instances and pairs.

        Args:
            row (int): Result of :meth:`find`.

        Returns:
            Tuple[np.ndarray, np.ndarray]: Boxes in the network's input
            coordinates (R, 4) and features (R, C, h, w) float16.
        """
        start, end = self._roi_offsets[row : row + 2].tolist()
        return self._rois[start:end], self._slice('roi_feats', start, end)


class DetectorView(NamedTuple):
    """View of a detection file in place of an image."""

    file: DetectionFile
    row: int

    @property
    def input_shape(self) -> Tuple[int, int]:
        """Return height and width of the padded input."""
        return tuple(self.file.shapes[self.row, 2].tolist())


@lru_cache(maxsize=16)
def _open(cls: type, path: str, stamp: Any) -> DetectionFile:
    return cls(path)
