from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional

import cv2
import numpy as np
from mmengine.dataset import Compose
from torch import nn
from tqdm import tqdm

from clhoi_mm.datasets.transforms import LoadImage
from clhoi_mm.models import ContextAttention, PhraseClassifier
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.utils.image_reader import UnreadableImage

from .image_input import ImageInput
from .inference import Inference
from .inputs import Inputs
from .result_writer import ResultWriter


@dataclass
class InferenceRun:
    """Loading, batching and predicting of one call's images.

    Attributes:
        model (nn.Module): The model.
        loader (LoadImage): Loader of the images.
        pipeline (Compose): The transforms after it.
        collate_fn (Callable): Collates packed images to a batch.
        classifier (PhraseClassifier, optional): Classes to detect in place
            of the model's.
        maker (ResultWriter): Makes and writes results.
        batch_size (int): Images per batch.
        skip_bad_images (bool): Whether to continue after an unreadable image.
    """

    model: nn.Module
    loader: LoadImage
    pipeline: Compose
    collate_fn: Callable
    classifier: Optional[PhraseClassifier]
    maker: ResultWriter
    batch_size: int
    skip_bad_images: bool

    def results(
        self, images: Inputs, show_progress: bool
    ) -> Iterator[Inference]:
        """Yield results in the images' order."""
        with (
            self.maker,
            tqdm(
                total=len(images), unit='image', disable=not show_progress
            ) as bar,
        ):
            waiting: List[tuple] = []
            ready = 0
            for i, image in enumerate(images):
                try:
                    packed, pixels = self._load(i, image)
                except UnreadableImage as error:
                    if not self.skip_bad_images:
                        raise
                    waiting.append((image, str(error), None))
                else:
                    waiting.append((image, packed, pixels))
                    ready += 1
                if ready == self.batch_size:
                    for result in self._predict(waiting):
                        bar.update()
                        yield result
                    waiting, ready = [], 0
            for result in self._predict(waiting):
                bar.update()
                yield result

    def _load(self, number: int, image: ImageInput) -> tuple:
        """Load an input and, to draw on, its pixels."""
        results = dict(img_id=number, key=image.source, img_path=image.source)
        if image.error is not None:
            raise UnreadableImage(image.error)
        if isinstance(image.image, np.ndarray):
            results['img'] = image.image
        try:
            results = self.loader(results)
            pixels = None
            if self.maker.needs_pixels:
                pixels = results['img'][..., ::-1].copy()
            return self.pipeline(results), pixels
        except FileNotFoundError as error:
            raise UnreadableImage(f'{image.source}: no such image') from error
        except cv2.error as error:
            # Such as resizing to nothing.
            height, width = results['ori_shape']
            raise UnreadableImage(
                f'{image.source}: a transform of the pipeline fails at this '
                f'image of {width} x {height} pixels ({error})'
            ) from error

    def _predict(self, waiting: List[tuple]) -> Iterator[Inference]:
        """Yield the results of a batch, including unreadable images."""
        batch = [data for _, data, _ in waiting if not isinstance(data, str)]
        samples = iter(self._predict_batch(batch) if batch else ())
        for image, data, pixels in waiting:
            if isinstance(data, str):
                yield Inference(image.source, error=data)
            else:
                yield self.maker.make(image, next(samples), pixels)

    def _predict_batch(self, batch: List[dict]) -> List[HOIDataSample]:
        """Predict a batch, with attention if requested."""
        model = self.model
        data = model.data_preprocessor(self.collate_fn(batch), False)
        inputs, samples = data['inputs'], data['data_samples']
        if not self.maker.attention:
            return model.predict(inputs, samples, classifier=self.classifier)
        with ContextAttention(model.vlt, model.icn) as attention:
            samples = model.predict(
                inputs, samples, classifier=self.classifier
            )
        attention.explain(samples)
        return samples
