from typing import Any, Dict, Optional, Union

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.structures import TrackedBoxes
from clhoi_mm.teacher import TeacherCache
from clhoi_mm.vocabulary import HOIVocabulary

from ..key_check import KeySource
from .append_boxes import FIRST_POINTED, append_boxes
from .load_hoi_annotations import input_scale


@TRANSFORMS.register_module()
class LoadTeacherKnowledge(BaseTransform):
    """Loads an image's pseudo-labels and captions from the teacher cache.

    The cache's manifest is checked when the transform is built, so that a
    wrong cache is detected before training; the file is memory-mapped at the
    first image, in each worker.

    Pointed pairs of the cache are in original-image coordinates; their boxes
    are appended to ``gt_bboxes``, so that they are resized, flipped, cropped
    and filtered with the image, and :class:`PackHOIInputs` separates them
    again.

    Required Keys:

    - key
    - ori_shape, img_shape, scale_factor (optional), where the image has
      pointed pairs

    Modified Keys:

    - gt_bboxes, gt_bboxes_labels, gt_ignore_flags, where the image has
      pointed pairs

    Added Keys:

    - teacher (dict): Result of ``TeacherCache.get``, and ``valid`` (bool),
      whether the image is in the cache.

    Args:
        cache (str): Folder of the cache's training layer.
        vocabulary (str | dict, optional): The vocabulary in use, see
            ``HOIVocabulary.load``; a cache for another one is an error.
            Defaults to None: not checked.
        missing (str): Handling of images outside the cache. 'error' raises,
            'mask' gives ``valid=False`` and empty arrays. Defaults to
            'error'.

    Raises:
        FileNotFoundError: If there is no cache in the folder.
        ValueError: If the cache is damaged or for another vocabulary, or
            ``missing`` is neither 'error' nor 'mask'.
        KeyError: If the image is not in the cache and ``missing='error'``.
    """

    def __init__(
        self,
        cache: str,
        vocabulary: Optional[Union[str, Dict[str, Any]]] = None,
        missing: str = 'error',
    ) -> None:
        if missing not in ('error', 'mask'):
            raise ValueError(
                f"LoadTeacherKnowledge: missing must be 'error' "
                f"or 'mask', got {missing!r}"
            )
        if vocabulary is not None:
            vocabulary = HOIVocabulary.load(vocabulary)
        self.missing = missing
        try:
            self.cache = TeacherCache(cache, vocabulary)
        except FileNotFoundError as error:
            name = vocabulary.name if vocabulary else 'VOCABULARY'
            raise FileNotFoundError(
                f'{error}: `python tools/teacher/simulate.py --ann '
                f'ANNOTATIONS --vocabulary {name} --out {cache}`, with the '
                "data set's annotation file, and with --text-encoder where "
                "the config's is CLIP; or ask a VLLM about the images: "
                f'`python tools/teacher/annotate.py run --vocab {name} '
                f'--images IMAGES --out {cache}`'
            ) from error

    @property
    def key_source(self) -> KeySource:
        """Keys of the cache."""
        return KeySource(
            self.cache,
            f'the teacher cache {self.cache.path}',
            'build the cache over this split, from the folder that the keys '
            'of the data set are relative to',
        )

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add ``teacher`` to ``results``."""
        results['teacher'] = self.look_up(results['key'])
        if len(results['teacher'].get('pointed_labels', ())):
            self._track(results)
        return results

    def look_up(self, key: str) -> Dict[str, Any]:
        """Look up an image.

        Args:
            key (str): The image's key.

        Returns:
            dict: As :meth:`TeacherCache.get`, and ``valid``, whether the
            image is in the cache.

        Raises:
            KeyError: If it is not, and ``missing='error'``.
        """
        pseudo_labels = self.cache.get(key)
        valid = pseudo_labels is not None
        if not valid and self.missing == 'error':
            raise KeyError(
                f'image "{key}" is not in the teacher cache '
                f'{self.cache.path} ({len(self.cache)} images, with keys '
                f'like {next(self.cache.keys(), None)!r}); build the cache '
                f"over this split, or set missing='mask' to train without "
                f'pseudo-labels for such images, or leave them out '
                f"(UnlabeledHOIDataset's filter_cfg.without_answer)"
            )
        return dict(
            pseudo_labels if valid else self.cache.empty(), valid=valid
        )

    def _track(self, results: Dict[str, Any]) -> None:
        """Append the boxes of pointed pairs."""
        teacher = results['teacher']
        boxes = TrackedBoxes(
            np.stack(
                [
                    teacher['pointed_human_bboxes'],
                    teacher['pointed_object_bboxes'],
                ],
                1,
            ).reshape(-1, 4)
        )
        boxes.rescale_(input_scale(results, type(self).__name__))
        boxes.row_ids = FIRST_POINTED + torch.arange(len(boxes))
        # Ignored: no detections are made of them, and none is trained.
        append_boxes(results, boxes, np.zeros(len(boxes), np.int64), True)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(cache={str(self.cache.path)!r}, '
            f'missing={self.missing!r})'
        )
