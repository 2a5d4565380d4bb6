"""A pipeline's steps, once for each view of an image."""

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
    """Runs steps of a pipeline and remembers what they gave.

    For steps in which chance decides about flips alone, as all that may
    follow :class:`LoadDetectorFeatures` or :class:`LoadImageSize`: an image
    has few views then, and after some epochs nothing is left to do. Any other
    draw would be frozen at its first result, so that only steps known to draw
    nothing (:attr:`DETERMINISTIC`) and RandomFlip are taken. The same objects
    are returned each time and must not be written to. Steps that
    read images are remembered where ``max_images`` says how many.

    It costs memory: what the last step gave of each image and of its mirror
    image, annotations and the teacher's vectors included, is kept until the
    process ends and never dropped. Each process remembers for itself, so
    that N workers come to hold N times as much, and workers that are not
    persistent forget it all after an epoch.

    Required Keys:

    - key
    - placeholder_source (of LoadDetectorFeatures and LoadImageSize), unless
      ``max_images`` is given

    Args:
        steps (List[dict | Callable]): Transforms or their configs, the last
            of which packs.
        deterministic (Sequence[str]): Class names of further steps that
            draw nothing; it is not checked whether they do. Defaults to ().
        max_images (int, optional): Views with pixels that are kept, for small
            data sets; later ones are made anew each time. Defaults to None:
            images are refused.

    Raises:
        ValueError: A step is not known to draw nothing.
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
        # Under this package's scope, as the data sets build theirs.
        self.steps = Compose(
            [
                TRANSFORMS.build({'_scope_': 'clhoi_mm', **step})
                if isinstance(step, dict)
                else step
                for step in steps
            ]
        )
        # Subclasses may draw where these do not.
        known = (*self.DETERMINISTIC, RandomFlip, DetRandomFlip)
        for step in self.steps.transforms:
            name = getattr(step, '__name__', type(step).__name__)
            if type(step) not in known and name not in deterministic:
                raise ValueError(
                    f'CachedTransforms: {name} is not known as deterministic, '
                    'and what it drew first would be repeated for ever. Put '
                    'it before CachedTransforms or leave it out; if it draws '
                    f"nothing, give deterministic=['{name}']."
                )
        self.flips = [
            step
            for step in self.steps.transforms
            if isinstance(step, RandomFlip)
        ]
        self._views: Dict[tuple, Optional[dict]] = {}

    def transform(self, results: dict) -> Optional[dict]:
        """Gives the view that chance chooses.

        Args:
            results (dict): Result dict of the data set.

        Returns:
            dict, optional: What the last step gave.

        Raises:
            RuntimeError: Images are read, which may vary in many ways.
        """
        has_image = 'placeholder_source' not in results
        if has_image and self.max_images is None:
            raise RuntimeError(
                'CachedTransforms goes with LoadDetectorFeatures '
                'or LoadImageSize before it: images that are '
                'read are not remembered.'
            )
        # The steps find the directions that are drawn here.
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
