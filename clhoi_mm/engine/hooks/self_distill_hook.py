from typing import Optional, Sequence

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from clhoi_mm.registry import HOOKS


@HOOKS.register_module()
class SelfDistillHook(Hook):
    """Starts the rounds of self-distillation.

    Born-again networks (arXiv 1805.04770): at the beginning of a round the
    ICN becomes the frozen self-teacher, a re-initialized ICN replaces it, and
    labels are from then on replaced by the posteriors of the self-teacher
    (:class:`SelfTeacher`). The first ICN has fitted uncorrected labels during
    the label noise model's warm-up; the new one has not. The VLT is kept.

    Without a label noise model there are no posteriors, and training goes on
    unchanged; annotations need none.

    The self-teacher is stored in checkpoints beside the weights, so that a
    resumed run equals an uninterrupted one. Learning rates are set by
    schedulers: :class:`CosineRestartAtLR` restarts with a round.

    Args:
        epochs (Sequence[int]): Epochs, counted from 0, that start a round.
    """

    # The new ICN's weights depend on the seed that EpochSeedHook (NORMAL) has
    # set for the epoch.
    priority = 'BELOW_NORMAL'

    def __init__(self, epochs: Sequence[int]) -> None:
        self.epochs = tuple(epochs)
        self._state: Optional[dict] = None

    def before_train(self, runner: Runner) -> None:
        """Restore the self-teacher of a resumed run.

        Raises:
            ValueError: If a round has started and the checkpoint has no
                self-teacher.
        """
        model = self._model(runner)
        if self._state is not None:
            model.snapshot_self_teacher().load_state_dict(self._state)
            self._state = None
        elif model.has_label_noise and any(
            e < runner.epoch for e in self.epochs
        ):
            raise ValueError(
                f'training resumes at epoch {runner.epoch}, within a round of '
                f'SelfDistillHook.epochs={self.epochs}, but the checkpoint '
                'has no "self_teacher"; resume from an unmodified checkpoint '
                'of this training'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Start a round at its first epoch."""
        model = self._model(runner)
        if runner.epoch not in self.epochs or not model.has_label_noise:
            return
        if model.stage < 2:
            raise ValueError(
                f'SelfDistillHook.epochs={self.epochs} contains an epoch of '
                'context distillation, after which the ICN is still '
                'untrained; start rounds later than '
                'DistillStageHook.context_epochs'
            )
        runner.logger.info('Self-distillation: the ICN is re-initialized')
        model.snapshot_self_teacher()
        model.reinit_icn()
        state = runner.optim_wrapper.optimizer.state
        for tensor in model.icn.state_dict().values():
            broadcast(tensor)
        for param in model.icn.parameters():
            state.pop(param, None)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the self-teacher."""
        self_teacher = self._model(runner).self_teacher
        if self_teacher is not None:
            checkpoint['self_teacher'] = self_teacher.state_dict()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the self-teacher of a resumed checkpoint."""
        if runner._resume:
            self._state = checkpoint.get('self_teacher')

    @staticmethod
    def _model(runner: Runner):
        return (
            runner.model.module
            if is_model_wrapper(runner.model)
            else runner.model
        )
