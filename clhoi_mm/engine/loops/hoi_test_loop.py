import torch
from mmengine.runner import TestLoop
from mmengine.runner.amp import autocast

from clhoi_mm.registry import LOOPS

from .unreadable_images import UnreadableImages


@LOOPS.register_module()
class HOITestLoop(TestLoop):
    """Test loop that tolerates unreadable images.

    They have no predictions, are reported, and count in the metrics.

    Attributes:
        unreadable (UnreadableImages): Unreadable images of the latest run.
    """

    def run(self) -> dict:
        """Run the loop.

        Returns:
            dict: Metrics.

        Raises:
            UnreadableImage: If no image can be read.
        """
        self.unreadable = UnreadableImages()
        metrics = super().run()
        self.unreadable.report(len(self.dataloader.dataset))
        return metrics

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: dict) -> None:
        """Predict a batch and pass it to the metrics.

        Args:
            idx (int): Index of the batch.
            data_batch (dict): Batch of the data loader.
        """
        self.runner.call_hook(
            'before_test_iter', batch_idx=idx, data_batch=data_batch
        )
        with autocast(enabled=self.fp16):
            outputs = self.unreadable.predict(
                self.runner.model.test_step, data_batch
            )
        if idx + 1 == len(self.dataloader):
            self.unreadable.gather()
            self.unreadable.check(len(self.dataloader.dataset))
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        self.runner.call_hook(
            'after_test_iter',
            batch_idx=idx,
            data_batch=data_batch,
            outputs=outputs,
        )
