from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.runner import Runner

from clhoi_mm.datasets.transforms import CachedTransforms, LoadImage
from clhoi_mm.registry import HOOKS


@HOOKS.register_module()
class RememberImagesHook(Hook):
    """Caches the decoded views of training images in memory.

    For data sets that fit into memory: the pipeline is run once for each
    image and each of its flips (:class:`CachedTransforms`). A pipeline with
    other random transforms, or without images, is left unchanged.

    Args:
        max_images (int): Number of cached views in each loading process.
    """

    def __init__(self, max_images: int) -> None:
        self.max_images = max_images

    def before_train(self, runner: Runner) -> None:
        """Wrap the pipeline of the data set."""
        dataset = runner.train_dataloader.dataset
        while not hasattr(dataset, 'pipeline') and hasattr(dataset, 'dataset'):
            dataset = dataset.dataset
        pipeline = getattr(dataset, 'pipeline', None)
        if not isinstance(pipeline, Compose) or not any(
            isinstance(step, (LoadImage, LoadImageFromFile))
            for step in pipeline.transforms
        ):
            return
        try:
            dataset.pipeline = CachedTransforms(
                pipeline.transforms, max_images=self.max_images
            )
        except ValueError as error:
            runner.logger.info(f'Images are read in every epoch: {error}')
