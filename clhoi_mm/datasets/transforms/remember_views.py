"""A pipeline's steps, once for each view of an image."""
from typing import Dict, List, Optional

from mmcv.transforms import BaseTransform, RandomFlip
from mmcv.transforms.utils import cache_random_params
from mmengine.dataset import Compose

from clhoi_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RememberViews(BaseTransform):
    """Runs steps of a pipeline and remembers what they gave.

    For steps in which chance decides about flips alone, as all that may
    follow :class:`LoadDetectorFeatures`: an image has few views then, and
    after some epochs nothing is left to do. The same objects are given again
    and again, so that nobody may write to them; each process remembers for
    itself.

    Required Keys:

    - key
    - detector_views (of LoadDetectorFeatures)

    Args:
        steps (List[dict]): Configs of transforms, the last of which packs.
    """

    def __init__(self, steps: List[dict]) -> None:
        self.steps = Compose(steps)
        self.flips = [
            step for step in self.steps.transforms
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
        if 'detector_views' not in results:
            raise RuntimeError('RememberViews goes with LoadDetectorFeatures: '
                               'images that are read are not remembered.')
        # The steps find the directions that are drawn here.
        with cache_random_params(self.flips):
            view = (results['key'],
                    *(flip._choose_direction() for flip in self.flips))
            if view not in self._views:
                self._views[view] = self.steps(results)
        return self._views[view]

    def __repr__(self) -> str:
        return f'{type(self).__name__}(steps={self.steps})'
