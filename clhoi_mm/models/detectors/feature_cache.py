import hashlib
import os
from typing import Any, Callable, ClassVar, Hashable, Optional, Sequence

from torch import Tensor

from clhoi_mm.structures import HOIDataSample


class FeatureCache:
    """Memory of a frozen detector's outputs for repeated views of images.

    A view is an image as the pipeline gives it, identified by its pixels.
    With augmentation by flips alone a training set has two views an image,
    and after a few epochs the detector no longer runs; with augmentation that
    never repeats a view nothing is gained. Maps, detections and RoI features
    of a view are kept on their device, unrounded.

    Args:
        size (int): Number of views kept; others are computed each time.
    """

    _shared: ClassVar[dict[tuple, 'FeatureCache']] = {}

    def __init__(self, size: int) -> None:
        self.size = size
        self._values: dict[Hashable, dict[Hashable, Any]] = {}

    @classmethod
    def of(cls, checkpoint: str, size: int) -> 'FeatureCache':
        """Get the memory of all detectors in this process with these weights.

        Args:
            checkpoint (str): The detector's weights.
            size (int): Number of views kept.

        Returns:
            FeatureCache: Shared, so that a study of many runs computes each
            view once.
        """
        key = (
            os.path.abspath(checkpoint),
            os.stat(checkpoint).st_mtime_ns,
            size,
        )
        return cls._shared.setdefault(key, cls(size))

    @staticmethod
    def views(
        inputs: Tensor, samples: Sequence[HOIDataSample]
    ) -> list[Hashable]:
        """Identify the views of a batch.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (Sequence[HOIDataSample]): Their sizes before padding, on
                which some detectors depend.

        Returns:
            list[Hashable]: A key a view.
        """
        # Processors have instructions for sha256: twice as fast as blake2b.
        return [
            (
                hashlib.sha256(image).digest(),
                tuple(sample.img_shape),
                tuple(inputs.shape[-2:]),
            )
            for image, sample in zip(
                inputs.contiguous().cpu().numpy(), samples
            )
        ]

    def get(self, view: Hashable, kind: Hashable) -> Optional[Any]:
        """Get a value of a view, None where it is not known.

        Args:
            view (Hashable): As :meth:`views` gives it.
            kind (Hashable): Name of the value.
        """
        return self._values.get(view, {}).get(kind)

    def keep(self, view: Hashable, kind: Hashable, value: Any) -> None:
        """Keep a value, in place of an earlier one, if there is room.

        Args:
            view (Hashable): As :meth:`views` gives it.
            kind (Hashable): Name of the value.
            value (Any): Not None.
        """
        if view in self._values or len(self._values) < self.size:
            self._values.setdefault(view, {})[kind] = value

    def get_or_compute(
        self,
        kind: Hashable,
        views: Sequence[Hashable],
        compute: Callable[[list[int]], Sequence[Any]],
    ) -> list[Any]:
        """Get the values of a batch, computed where they are not known.

        Args:
            kind (Hashable): Name of the value, 'feats' or 'detections'.
            views (Sequence[Hashable]): As :meth:`views` gives them.
            compute (Callable): From indices into the batch to their values.

        Returns:
            list: A value a view.
        """
        values = [self.get(view, kind) for view in views]
        missing = [i for i, value in enumerate(values) if value is None]
        if missing:
            for i, value in zip(missing, compute(missing)):
                values[i] = value
                self.keep(views[i], kind, value)
        return values
