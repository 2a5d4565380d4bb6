import hashlib
import os
from typing import Any, Callable, ClassVar, Sequence

from torch import Tensor

from clhoi_mm.structures import HOIDataSample


class DetectorMemory:
    """What a frozen detector gave for views of images that come again.

    A view is an image as the pipeline brought it, known by its pixels. With
    augmentation by flips alone a training set has two views an image, and
    after a few epochs the detector has nothing left to do; with augmentation
    that never repeats a view there is nothing to gain. Maps and detections of
    a view are kept on their device, unrounded.

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
        key = (
            os.path.abspath(checkpoint),
            os.stat(checkpoint).st_mtime_ns,
            size,
        )
        return cls._shared.setdefault(key, cls(size))

    @staticmethod
    def fingerprints(inputs: Tensor) -> list[bytes]:
        """Hashes of a batch's images, (B, 3, H, W)."""
        return [
            hashlib.blake2b(image.tobytes(), digest_size=16).digest()
            for image in inputs.contiguous().cpu().numpy()
        ]

    def recall(
        self,
        kind: str,
        inputs: Tensor,
        samples: Sequence[HOIDataSample],
        compute: Callable[[list[int]], Sequence[Any]],
    ) -> list[Any]:
        """Values of a batch, computed only where they are not known.

        Args:
            kind (str): What is asked for, 'feats' or 'detections'.
            inputs (Tensor): Images, (B, 3, H, W).
            samples (Sequence[HOIDataSample]): Whose sizes before padding
                matter to some detectors.
            compute (Callable): From indices into the batch to their values.

        Returns:
            list: A value a sample.
        """
        views = [
            (kind, print_, tuple(sample.img_shape), inputs.shape[-2:])
            for print_, sample in zip(self.fingerprints(inputs), samples)
        ]
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
