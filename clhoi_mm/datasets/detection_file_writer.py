"""Writer of a frozen detector's outputs for a data set."""

import json
import os
import shutil
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from clhoi_mm.utils.files import atomic_path, work_folder

from .detection_file import FORMAT, VERSION

# safetensors stores wide types first, so that all are aligned.
_TYPES = {'<i8': 'I64', '<f4': 'F32', '<i4': 'I32', '<f2': 'F16', '|u1': 'U8'}


class DetectionFileWriter:
    """Writes a :class:`DetectionFile` view by view.

    Views are collected in a folder beside the file, so that memory does not
    grow with the data set, and the file is created atomically at the end. The
    same content gives the same bytes.

    Args:
        path (str | PathLike): The file to write.
        detector (dict): ``config`` and ``weights``, hashes, and ``type``.
        classes (Sequence[str]): Class names of the labels.
        features (dict, optional): ``roi_extractor``, the hash of its config
            or None; each view then has maps and RoI features. Defaults to
            None: detections only.

    Attributes:
        unreadable (Dict[str, str]): Image key to the reason it was skipped.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike],
        detector: Dict[str, str],
        classes: Sequence[str],
        features: Optional[dict] = None,
    ) -> None:
        self.path = Path(path)
        self.features = features
        self._metadata = dict(
            format=FORMAT,
            version=str(VERSION),
            detector=json.dumps(detector, sort_keys=True),
            classes=json.dumps(list(classes)),
            features=json.dumps(features, sort_keys=True),
        )
        self.unreadable: Dict[str, str] = {}
        self._views = set()
        # name -> (dtype, shape of a row, rows so far)
        self._parts: Dict[str, Tuple[str, Tuple[int, ...], int]] = {}

    @property
    def size(self) -> int:
        """Return the number of bytes written so far."""
        return sum(file.tell() for file in self._files.values())

    def __enter__(self) -> 'DetectionFileWriter':
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Also remove what killed processes left in the folder.
        self._work = work_folder(self.path.parent, self.path.name)
        self._folder = self._work.__enter__()
        self._files = {}
        self._ends = dict(key_offsets=[0], offsets=[0])
        if self.features is not None:
            self._ends['roi_offsets'] = [0]
        return self

    def __exit__(self, kind: Optional[type], *args) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for file in self._files.values():
                file.close()
            self._work.__exit__(None, None, None)

    def add(
        self,
        key: str,
        flipped: bool,
        shapes: Sequence[Tuple[int, int]],
        scale_factor: Tuple[float, float],
        detections: Dict[str, np.ndarray],
        maps: Sequence[np.ndarray] = (),
        rois: Optional[np.ndarray] = None,
        roi_feats: Optional[np.ndarray] = None,
    ) -> None:
        """Add a view.

        Args:
            key (str): The image's key.
            flipped (bool): Whether it is mirrored.
            shapes (Sequence[tuple]): Height and width of the original image,
                of the network's input and of the padded input.
            scale_factor (tuple): Scale factors of x and y.
            detections (Dict[str, np.ndarray]): ``bboxes`` (n, 4) in input
                coordinates, ``labels`` and ``scores`` (n, ); for all views or
                none ``query_embeds`` (n, C).
            maps (Sequence[np.ndarray]): Feature maps, each (C, h, w), or
                (C, 0, 0) for a level that is not stored.
            rois (np.ndarray, optional): Boxes in input coordinates, (R, 4).
            roi_feats (np.ndarray, optional): Their features, (R, C, h, w).

        Raises:
            ValueError: If the view was added before, or half precision cannot
                represent its features.
        """
        if (key, flipped) in self._views:
            raise ValueError(
                f'image "{key}" occurs twice; keys must be unique '
                'over all splits of a file: give `images` of the '
                'annotation files a `key` each.'
            )
        self._views.add((key, flipped))
        text = np.frombuffer(key.encode(), np.uint8)
        self._write('key_bytes', text, '|u1')
        self._write('flipped', [flipped], '|u1')
        self._write('shapes', [shapes], '<i4')
        self._write('scale_factors', [scale_factor], '<f4')
        for name, dtype in (
            ('bboxes', '<f4'),
            ('labels', '<i4'),
            ('scores', '<f4'),
        ):
            self._write(name, detections[name], dtype)
        if 'query_embeds' in detections:
            self._write(
                'query_embeds', _half(detections['query_embeds'], key), '<f2'
            )
        sizes = dict(key_offsets=len(text), offsets=len(detections['scores']))
        if self.features is not None:
            self._write('map_shapes', [[x.shape for x in maps]], '<i4')
            for values in maps:
                self._write('maps', _half(values, key).ravel(), '<f2')
            self._write('rois', rois, '<f4')
            self._write('roi_feats', _half(roi_feats, key), '<f2')
            sizes['roi_offsets'] = len(rois)
        for name, size in sizes.items():
            self._ends[name].append(self._ends[name][-1] + size)

    def skip(self, key: str, reason: str) -> None:
        """Record an unreadable image instead of its views.

        Args:
            key (str): The image's key.
            reason (str): The reason.
        """
        self.unreadable[key] = reason

    def _write(
        self, name: str, rows: Union[np.ndarray, List], dtype: str
    ) -> None:
        rows = np.ascontiguousarray(rows, dtype)
        if name not in self._files:
            self._files[name] = open(self._folder / name, 'w+b')
        _, _, count = self._parts.get(name, (None, None, 0))
        self._parts[name] = (dtype, rows.shape[1:], count + len(rows))
        self._files[name].write(rows.tobytes())

    def _finish(self) -> None:
        if not self._views:
            raise ValueError(f'{self.path}: there is no view to write.')
        for name, ends in self._ends.items():
            self._write(name, ends, '<i8')
        metadata = dict(self._metadata)
        if self.unreadable:
            metadata['unreadable'] = json.dumps(
                self.unreadable, sort_keys=True
            )
        header, start = {'__metadata__': metadata}, 0
        order = list(_TYPES)
        names = sorted(
            self._parts, key=lambda n: (order.index(self._parts[n][0]), n)
        )
        for name in names:
            dtype, shape, count = self._parts[name]
            size = self._files[name].tell()
            header[name] = dict(
                dtype=_TYPES[dtype],
                shape=[count, *shape],
                data_offsets=[start, start + size],
            )
            start += size
        text = json.dumps(header, sort_keys=True).encode()
        text += b' ' * (-len(text) % 8)
        with atomic_path(self.path) as temp, open(temp, 'wb') as out:
            out.write(len(text).to_bytes(8, 'little') + text)
            for name in names:
                self._files[name].seek(0)
                shutil.copyfileobj(self._files[name], out, 1 << 20)


def _half(values: np.ndarray, key: str) -> np.ndarray:
    with np.errstate(over='ignore'):
        values = values.astype(np.float16)
    if not np.isfinite(values).all():
        raise ValueError(
            f'image "{key}": the detector\'s features are not '
            'finite in half precision, in which they are stored; '
            'train with the live detector.'
        )
    return values
