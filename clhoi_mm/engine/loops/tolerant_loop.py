import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import BaseLoop
from mmengine.runner.amp import autocast

from .unreadable_images import UnreadableImages


class TolerantLoop(BaseLoop):
    """Loop over images of which some may be unreadable.

    They have no predictions, are reported, and count in the metrics. A base
    class beside mmengine's ``ValLoop`` or ``TestLoop``.

    Attributes:
        mode (str): 'val' or 'test', the names of hooks and of the model's
            step.
        unreadable (UnreadableImages): Unreadable images of the latest run.
    """

    mode: str
    evaluator: Evaluator
    fp16: bool

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
        runner, batch = self.runner, dict(batch_idx=idx, data_batch=data_batch)
        runner.call_hook(f'before_{self.mode}_iter', **batch)
        step = getattr(runner.model, f'{self.mode}_step')
        with autocast(enabled=self.fp16):
            outputs = self.unreadable.predict(step, data_batch)
        if idx + 1 == len(self.dataloader):
            self.unreadable.gather()
            self.unreadable.check(len(self.dataloader.dataset))
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        runner.call_hook(f'after_{self.mode}_iter', outputs=outputs, **batch)
