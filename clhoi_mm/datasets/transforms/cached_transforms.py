"""Cache of a pipeline's results per view."""

from typing import Callable, Dict, List, Optional, Sequence, Union

from mmcv.transforms import BaseTransform, LoadImageFromFile, RandomFlip
from mmcv.transforms.utils import cache_random_params
from mmdet.datasets.transforms import FilterAnnotations
from mmdet.datasets.transforms import RandomFlip as DetRandomFlip
from mmengine.dataset import Compose

from clhoi_mm.registry import TRANSFORMS

from .load_detections import LoadDetections
from .load_hoi_annotations import LoadHOIAnnotations
from .load_image import LoadImage
from .load_teacher_knowledge import LoadTeacherKnowledge
from .pack_hoi_inputs import PackHOIInputs


@TRANSFORMS.register_module()
class CachedTransforms(BaseTransform):
    """Runs steps of a pipeline and caches their results.

    For steps whose only randomness is flipping, as all that may follow
    :class:`LoadDetectorFeatures` or :class:`LoadImageSize`: an image then has
    few views. Any other random step would be frozen at its first result, so
    only steps known to be deterministic (:attr:`DETERMINISTIC`) and
    RandomFlip are accepted. The same objects are returned each time and must
    not be modified. Steps that read images are cached if ``max_images`` is
    given.

    Memory: the last step's result for each image and its mirror image,
    including annotations and teacher embeddings, is kept until the process
    ends. Each process has its own cache, so that N workers hold N times as
    much, and workers that are not persistent lose it after an epoch.

    Required Keys:

    - key
    - placeholder_source (of LoadDetectorFeatures and LoadImageSize), unless
      ``max_images`` is given

    Args:
        steps (List[dict | Callable]): Transforms or their configs, the last
            of which packs.
        deterministic (Sequence[str]): Class names of further deterministic
            steps; this is not verified. Defaults to ().
        max_images (int, optional): Number of views with pixels that are
            cached, for small data sets; later ones are computed each time.
            Defaults to None: images are refused.

    Raises:
        ValueError: If a step is not known to be deterministic.
    """

    DETERMINISTIC = (
        FilterAnnotations,
        LoadDetections,
        LoadHOIAnnotations,
        LoadImage,
        LoadImageFromFile,
        LoadTeacherKnowledge,
        PackHOIInputs,
    )

    def __init__(
        self,
        steps: List[Union[dict, Callable]],
        deterministic: Sequence[str] = (),
        max_images: Optional[int] = None,
    ) -> None:
        self.max_images = max_images
        # In this package's scope, as the data sets build theirs.
        self.steps = Compose(
            [
                TRANSFORMS.build({'_scope_': 'clhoi_mm', **step})
                if isinstance(step, dict)
                else step
                for step in steps
            ]
        )
        # Exact types only: subclasses may be random.
        known_names = (*self.DETERMINISTIC, RandomFlip, DetRandomFlip)
        for step in self.steps.transforms:
            name = getattr(step, '__name__', type(step).__name__)
            if type(step) not in known_names and name not in deterministic:
                raise ValueError(
                    f'CachedTransforms: {name} is not known as deterministic, '
                    'and its first result would be repeated. Put '
                    'it before CachedTransforms or leave it out; if it is '
                    f"deterministic, set deterministic=['{name}']."
                )
        self.flips = [
            step
            for step in self.steps.transforms
            if isinstance(step, RandomFlip)
        ]
        self._views: Dict[tuple, Optional[dict]] = {}

    def transform(self, results: dict) -> Optional[dict]:
        """Return the randomly chosen view.

        Args:
            results (dict): Result dict of the data set.

        Returns:
            dict, optional: Result of the last step.

        Raises:
            RuntimeError: If images are read, which may vary in many ways.
        """
        has_image = 'placeholder_source' not in results
        if has_image and self.max_images is None:
            raise RuntimeError(
                'CachedTransforms goes with LoadDetectorFeatures '
                'or LoadImageSize before it: images that are '
                'read are not cached.'
            )
        # The steps use the directions that are drawn here.
        with cache_random_params(self.flips):
            view = (
                results['key'],
                *(flip._choose_direction() for flip in self.flips),
            )
            if view in self._views:
                return self._views[view]
            made = self.steps(results)
        if not has_image or len(self._views) < self.max_images:
            self._views[view] = made
        return made

    def __repr__(self) -> str:
        return f'{type(self).__name__}(steps={self.steps})'
