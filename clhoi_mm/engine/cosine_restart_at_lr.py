from typing import Sequence

from mmengine.optim.scheduler import CosineRestartLR

from clhoi_mm.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class CosineRestartAtLR(CosineRestartLR):
    """Cosine annealing that restarts at given epochs.

    :class:`CosineRestartLR` is given the periods between restarts. Here the
    last one lasts until ``end``, by default the end of training, so that
    ``train_cfg.max_epochs`` alone sets a run's length.

    Args:
        optimizer (OptimWrapper): The optimizer.
        restarts (Sequence[int]): Epochs, or iterations with
            ``by_epoch=False``, of the restarts; those that are not between
            ``begin`` and ``end`` are ignored.
        end (int): First step after the last period.
        begin (int): First step. Defaults to 0.
        eta_min_ratio (float): Final rate of a period, as a fraction of the
            initial one. Defaults to 0.
        last_step (int): See mmengine. Defaults to -1.
        by_epoch (bool): Whether steps are epochs. Defaults to True.
        verbose (bool): Whether rates are printed. Defaults to False.
    """

    def __init__(
        self,
        optimizer: object,
        restarts: Sequence[int],
        end: int,
        begin: int = 0,
        eta_min_ratio: float = 0.0,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        inner = [step for step in sorted(restarts) if begin < step < end]
        bounds = [begin, *inner, end]
        periods = [b - a for a, b in zip(bounds, bounds[1:])]
        super().__init__(
            optimizer,
            periods=periods,
            restart_weights=[1] * len(periods),
            eta_min_ratio=eta_min_ratio,
            begin=begin,
            end=end,
            last_step=last_step,
            by_epoch=by_epoch,
            verbose=verbose,
        )

    @classmethod
    def build_iter_from_epoch(
        cls,
        *args,
        restarts: Sequence[int],
        end: int,
        begin: int = 0,
        by_epoch: bool = True,
        epoch_length: int,
        **kwargs,
    ) -> 'CosineRestartAtLR':
        """Convert epochs to iterations; see mmengine for the arguments."""
        if not by_epoch:
            raise ValueError('convert_to_iter_based needs by_epoch=True')
        return cls(
            *args,
            restarts=[epoch * epoch_length for epoch in restarts],
            end=end * epoch_length,
            begin=begin * epoch_length,
            by_epoch=False,
            **kwargs,
        )
