import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from clhoi_mm.datasets.wrappers import inner_datasets
from clhoi_mm.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds each epoch, which makes resumed runs reproducible.

    mmengine saves no random state. Here an epoch's randomness depends on seed
    and epoch alone: the data set seeds each sample's augmentation, and torch
    is seeded when an epoch begins.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Set the epoch of the data sets and seed torch."""
        for dataset in inner_datasets(runner.train_dataloader.dataset):
            if hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(runner.epoch)
        state = np.random.SeedSequence(
            [runner.seed, runner.epoch, get_rank()]
        ).generate_state(1)
        torch.manual_seed(int(state[0]))
