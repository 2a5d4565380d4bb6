import os
import os.path as osp
from typing import Optional, Sequence

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import Visualizer

from clhoi_mm.registry import HOOKS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.utils.image_reader import read_image


@HOOKS.register_module()
class HOIVisualizationHook(Hook):
    """Draws every n-th image of validation and testing.

    mmdet's hook draws every image of a test, whatever its interval.

    Args:
        draw (bool): Whether to draw at all. Defaults to False.
        interval (int): Draw every n-th image. Defaults to 50.
        score_thr (float): Minimum score of drawn interactions.
        test_out_dir (str, optional): Folder for a test's pictures. Defaults
            to None: the visualizer's backends.
    """

    def __init__(
        self,
        draw: bool = False,
        interval: int = 50,
        score_thr: float = 0.3,
        test_out_dir: Optional[str] = None,
    ) -> None:
        self.draw = draw
        self.interval = interval
        self.score_thr = score_thr
        self.test_out_dir = test_out_dir
        self._seen = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Reset the image counter, to draw the same images."""
        self._seen = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Reset the image counter, to draw the same images."""
        self._seen = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict,
        outputs: Sequence[HOIDataSample],
    ) -> None:
        """Draw images of a validation batch."""
        self._draw(outputs, 'val', runner.iter)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict,
        outputs: Sequence[HOIDataSample],
    ) -> None:
        """Draw images of a test batch."""
        self._draw(outputs, 'test', 0, self.test_out_dir)

    def _draw(
        self,
        samples: Sequence[HOIDataSample],
        name: str,
        step: int,
        out_dir: Optional[str] = None,
    ) -> None:
        if not self.draw:
            return
        if out_dir is not None:
            os.makedirs(out_dir, exist_ok=True)
        visualizer = Visualizer.get_current_instance()
        for sample in samples:
            self._seen += 1
            if (self._seen - 1) % self.interval or 'unreadable' in sample:
                continue
            file_name = osp.basename(sample.img_path)
            visualizer.add_datasample(
                # LocalVisBackend does not create folders.
                f'{name}_{osp.splitext(file_name)[0]}',
                np.asarray(
                    read_image(
                        sample.img_path, sample.get('orientation', 'stored')
                    )
                ),
                data_sample=sample,
                pred_score_thr=self.score_thr,
                out_file=out_dir and osp.join(out_dir, file_name),
                step=step,
            )
