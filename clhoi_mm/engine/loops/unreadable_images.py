import logging
from typing import Callable, Dict, List

from mmengine.dist import all_gather_object
from mmengine.logging import print_log

from clhoi_mm.structures import HOIDataSample, no_predictions
from clhoi_mm.utils.image_reader import UnreadableImage

_NUM_NAMED = 20


class UnreadableImages:
    """Record of unreadable images in a test.

    Attributes:
        reasons (Dict[str, str]): Path to the reason.
    """

    def __init__(self) -> None:
        self.reasons: Dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.reasons)

    def predict(self, step: Callable, batch: dict) -> List[HOIDataSample]:
        """Predict a batch; unreadable images get empty predictions.

        Args:
            step (Callable): The model's ``test_step`` or ``val_step``.
            batch (dict): Lists ``inputs`` and ``data_samples``, including
                samples marked as ``unreadable``.

        Returns:
            List[HOIDataSample]: One sample with ``pred_hois`` per image, in
            the batch's order.
        """
        samples = batch['data_samples']
        readable = [i for i, s in enumerate(samples) if 'unreadable' not in s]
        if len(readable) == len(samples):
            return step(batch)
        predictions = iter(
            step({k: [v[i] for i in readable] for k, v in batch.items()})
            if readable
            else ()
        )
        outputs = []
        for sample in samples:
            if 'unreadable' in sample:
                self.reasons[sample.img_path] = sample.unreadable
                sample.pred_hois = no_predictions()
                outputs.append(sample)
            else:
                outputs.append(next(predictions))
        return outputs

    def gather(self) -> None:
        """Merge the unreadable images of all processes."""
        for reasons in all_gather_object(self.reasons):
            self.reasons.update(reasons)

    def check(self, num_images: int) -> None:
        """Raise an error if no image can be read.

        Args:
            num_images (int): Number of images of the data set.

        Raises:
            UnreadableImage: If no image can be read.
        """
        if self.reasons and len(self.reasons) >= num_images:
            raise UnreadableImage(
                f'none of {num_images} images can be read; the first: '
                f'{next(iter(self.reasons.values()))}'
            )

    def report(self, num_images: int) -> None:
        """Log which images have no predictions.

        Args:
            num_images (int): Number of images of the data set.
        """
        if not self.reasons:
            return
        names = list(self.reasons)
        more = '' if len(names) <= _NUM_NAMED else ', ...'
        print_log(
            f'{len(names)} of {num_images} images could not be read. They '
            'have no predictions, and metrics count them like images in '
            f'which nothing is found: {", ".join(names[:_NUM_NAMED])}{more}',
            'current',
            logging.WARNING,
        )
