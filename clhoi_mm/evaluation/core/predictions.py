"""File format of predictions."""

import os
import zipfile
from dataclasses import dataclass, fields
from typing import Optional, Tuple, Union

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.utils.files import atomic_path
from clhoi_mm.utils.key_matching import KeyMatch, match_keys
from clhoi_mm.utils.keys import normalize_key

from .arrays import read_labels, refuse_infinite
from .pair_table import PairTable
from .v_coco_tables import RolePredictions

FORMAT_VERSION = 1
Path = Union[str, os.PathLike]


@dataclass(frozen=True)
class Predictions:
    """Predictions of I images, N rows, as ``.npz``.

    Rows ``offsets[i]`` to ``offsets[i + 1]`` belong to image ``i``. Labels are
    indices into the lists of the images' annotation file.

    Args:
        img_id (np.ndarray): Ids of the images, (I,).
        offsets (np.ndarray): (I + 1,) int, ascending from 0 to N.
        human_bboxes (np.ndarray): Human boxes, (N, 4) xyxy, in pixels of the
            original image, zero-based and continuous.
        object_bboxes (np.ndarray): Object boxes of the same form; NaN for a
            missing role.
        object_labels (np.ndarray): Index into ``categories``, -1 without an
            object, (N,).
        verb_labels (np.ndarray): Index into ``verbs``, (N,).
        hoi_labels (np.ndarray): Index into ``hoi_categories``, -1 where there
            is none, as in V-COCO, (N,).
        scores (np.ndarray): (N,).
        agent_scores (np.ndarray, optional): Score of person and action for
            V-COCO's AP_agent, (N,). Defaults to the maximum score of the
            person and action.
        keys (np.ndarray, optional): Keys of the images, (I,) strings, as in
            the annotation file (``key``, else ``file_name``). With them,
            images are matched by key; without, by id, which images of other
            splits may have as well.
    """

    img_id: np.ndarray
    offsets: np.ndarray
    human_bboxes: np.ndarray
    object_bboxes: np.ndarray
    object_labels: np.ndarray
    verb_labels: np.ndarray
    hoi_labels: np.ndarray
    scores: np.ndarray
    agent_scores: Optional[np.ndarray] = None
    keys: Optional[np.ndarray] = None

    @classmethod
    def read(cls, path: Path) -> 'Predictions':
        """Read a file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the format is wrong or arrays do not fit.
        """
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f'{path}: no such file of predictions; write it with '
                '`tools/test.py --out`'
            )
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (zipfile.BadZipFile, EOFError, ValueError) as error:
            raise ValueError(
                f'{path}: not a .npz of plain arrays ({error}). '
                'Write it with `tools/test.py --out`, or with '
                'numpy.savez.'
            ) from error
        version = int(arrays.pop('format_version', FORMAT_VERSION))
        if version > FORMAT_VERSION:
            raise ValueError(
                f'{path}: format_version {version} is newer than '
                f'{FORMAT_VERSION}, the last one supported; '
                'update clhoi_mm.'
            )
        names = [field.name for field in fields(cls)]
        missing = [n for n in names[:-2] if n not in arrays]
        if missing:
            raise ValueError(
                f'{path}: no {", ".join(missing)}; a file of '
                f'predictions holds {", ".join(names[:-2])} and '
                'may hold agent_scores and keys.'
            )
        predictions = cls(**{n: arrays[n] for n in names if n in arrays})
        predictions._check(str(path))
        return predictions

    def write(self, path: Path) -> None:
        """Write a file atomically, with reproducible bytes."""
        arrays = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) is not None
        }
        with atomic_path(path) as partial, open(partial, 'wb') as file:
            np.savez(file, format_version=np.array(FORMAT_VERSION), **arrays)

    def match_images(self, annotations: AnnotationFile) -> KeyMatch:
        """Count images that are in the annotation file, too.

        Raises:
            ValueError: If there are none.
        """
        names = ('img_id', 'id') if self.keys is None else ('keys', 'key')
        return match_keys(
            self._images(),
            dict.fromkeys(self._images_of(annotations)),
            f'the predictions ({names[0]})',
            f'the images ({names[1]}) of {annotations.name}',
            'score predictions with the file of their own split',
        )

    def pairs(self, annotations: AnnotationFile) -> PairTable:
        """Collect rows with a class, in the file's order.

        Raises:
            ValueError: If rows do not fit the file or are inconsistent.
        """
        order, image_inds = self._in_file_order(annotations)
        num_hois = len(annotations.hoi_verbs)
        labels = read_labels(self.hoi_labels, num_hois, 'hoi_labels')
        verbs = read_labels(
            self.verb_labels, len(annotations.verbs), 'verb_labels'
        )
        objects = read_labels(
            self.object_labels, len(annotations.objects), 'object_labels'
        )
        paired = np.flatnonzero((verbs >= 0) & (objects >= 0))
        expected = annotations.hoi_lookup[verbs[paired], objects[paired]]
        wrong = paired[labels[paired] != expected]
        if len(wrong):
            row = wrong[0]
            raise ValueError(
                f'row {row}: hoi_labels is {labels[row]}, but verb '
                f'{verbs[row]} ({annotations.verbs[verbs[row]]}) and object '
                f'{objects[row]} ({annotations.objects[objects[row]]}) are '
                f'class {annotations.hoi_lookup[verbs[row], objects[row]]} of '
                'the annotation file. Labels are positions in its lists '
                'verbs, categories and hoi_categories, -1 outside the '
                'classes.'
            )
        inside = labels >= 0
        for name in ('human_bboxes', 'object_bboxes', 'scores'):
            refuse_infinite(getattr(self, name), inside, name)
        keep = inside[order]
        order = order[keep]
        return PairTable(
            image_inds[keep],
            self.human_bboxes[order],
            self.object_bboxes[order],
            labels[order],
            self.scores[order],
        )

    def roles(self, annotations: AnnotationFile) -> RolePredictions:
        """Collect rows with a verb, in the file's order.

        Raises:
            ValueError: If rows do not fit the file.
        """
        order, image_inds = self._in_file_order(annotations)
        verbs = read_labels(
            self.verb_labels, len(annotations.verbs), 'verb_labels'
        )
        refuse_infinite(self.human_bboxes, verbs >= 0, 'human_bboxes')
        agent_scores = self.agent_scores
        if agent_scores is None:
            agent_scores = self.scores
        rows = RolePredictions(
            image_inds,
            self.human_bboxes[order],
            self.object_bboxes[order],
            verbs[order],
            self.scores[order],
            agent_scores[order],
        )
        return rows if (verbs >= 0).all() else rows[rows.verb_labels >= 0]

    def _in_file_order(
        self, annotations: AnnotationFile
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Select rows of the file's images, with image indices."""
        self.match_images(annotations)
        predicted_images = self._images_of(annotations)
        positions = {image: i for i, image in enumerate(predicted_images)}
        images = np.array(
            [positions.get(image, -1) for image in self._images()],
            dtype=np.int64,
        )
        matched = images[images >= 0]
        if len(np.unique(matched)) < len(matched):
            raise ValueError(
                f'{"img_id" if self.keys is None else "keys"} holds an image '
                "twice; give all of an image's rows together."
            )
        image_inds = np.repeat(images, np.diff(self.offsets))
        if (np.diff(images) > 0).all() and len(matched) == len(images):
            return np.arange(len(image_inds)), image_inds
        order = np.argsort(image_inds, kind='stable')
        order = order[image_inds[order] >= 0]
        return order, image_inds[order]

    def _images(self) -> list:
        """List the predicted images' keys, or ids without keys."""
        if self.keys is None:
            return self.img_id.tolist()
        return list(map(normalize_key, self.keys.tolist()))

    def _images_of(self, annotations: AnnotationFile) -> list:
        """List the annotated images' keys or ids, as :meth:`_images` does."""
        return annotations.image_ids if self.keys is None else annotations.keys

    def _check(self, path: str) -> None:
        num_images, num = len(self.img_id), len(self.scores)
        offsets = self.offsets
        if (
            offsets.shape != (num_images + 1,)
            or offsets[0] != 0
            or offsets[-1] != num
            or (np.diff(offsets) < 0).any()
        ):
            raise ValueError(
                f'{path}: offsets must rise from 0 to {num}, the '
                f'number of rows, in {num_images + 1} steps, one '
                'more than there are images.'
            )
        keys = self.keys
        if keys is not None and (
            keys.shape != (num_images,) or keys.dtype.kind != 'U'
        ):
            raise ValueError(
                f'{path}: keys must be {num_images} strings, one for each '
                f'image, but has shape {keys.shape} of {keys.dtype}.'
            )
        for name in ('human_bboxes', 'object_bboxes'):
            if getattr(self, name).shape != (num, 4):
                raise ValueError(
                    f'{path}: {name} must have shape ({num}, 4), '
                    f'but has {getattr(self, name).shape}.'
                )
        for name in (
            'object_labels',
            'verb_labels',
            'hoi_labels',
            'agent_scores',
        ):
            values = getattr(self, name)
            if values is not None and values.shape != (num,):
                raise ValueError(
                    f'{path}: {name} must have shape ({num},), '
                    f'but has {values.shape}.'
                )
