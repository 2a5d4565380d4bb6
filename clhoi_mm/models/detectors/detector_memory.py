import os
from typing import Any, Callable, ClassVar, Sequence

import torch

from clhoi_mm.structures import HOIDataSample


class DetectorMemory:
    """What a frozen detector gave for views of images that come again.

    A view is an image as the pipeline brought it: its size and flip. With
    augmentation by flips alone a training set has two views an image, and
    from the third epoch on the detector has nothing left to do. Maps and
    detections of a view are kept on their device, unrounded.

    Args:
        size (int): Views kept; later ones are computed each time.
    """
    _shared: ClassVar[dict[tuple, 'DetectorMemory']] = {}

    def __init__(self, size: int) -> None:
        self.size = size
        self._values: dict[tuple, Any] = {}

    @classmethod
    def of(cls, checkpoint: str, size: int) -> 'DetectorMemory':
        """The memory of all detectors in this process with these weights.

        Args:
            checkpoint (str): The detector's weights.
            size (int): Views kept.

        Returns:
            DetectorMemory: Shared, so that a study of many runs sees each
            image once.
        """
        key = (os.path.abspath(checkpoint), os.stat(checkpoint).st_mtime_ns,
               size)
        return cls._shared.setdefault(key, cls(size))

    def recall(self, kind: str, samples: Sequence[HOIDataSample],
               batch_shape: torch.Size,
               compute: Callable[[list[int]], Sequence[Any]]) -> list[Any]:
        """Values of a batch, computed only where they are not known.

        Args:
            kind (str): What is asked for, 'feats' or 'detections'.
            samples (Sequence[HOIDataSample]): The batch.
            batch_shape (torch.Size): Of its images, padding included.
            compute (Callable): From indices into the batch to their values.

        Returns:
            list: A value a sample.
        """
        views = [(kind, s.img_path, tuple(s.img_shape), s.get('flip', False),
                  s.get('flip_direction'), tuple(batch_shape[-2:]))
                 for s in samples]
        missing = [i for i, v in enumerate(views) if v not in self._values]
        fresh = dict(zip(missing, compute(missing))) if missing else {}
        values = [
            fresh[i] if i in fresh else self._values[view]
            for i, view in enumerate(views)
        ]
        for i, value in fresh.items():
            if len(self._values) < 2 * self.size:
                self._values[views[i]] = value
        return values
