from typing import Optional, Sequence

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from clhoi_mm.registry import HOOKS


@HOOKS.register_module()
class SelfDistillHook(Hook):
    """Begins rounds of self-distillation.

    A student that learns from a noisy teacher first believes and then doubts
    what it was told; what it believed stays with it. So at the beginning of
    a round the ICN becomes the self-teacher, another begins anew, and from
    then on words are taken for what the self-teacher makes of them
    (:class:`SelfTeacher`). The VLT goes on.

    Where nothing is doubted, as with annotations or without a model of the
    teacher's noise, there is nothing to be revised, and training goes on as
    it was.

    The self-teacher is kept in checkpoints beside the weights, so that a
    resumed run repeats the uninterrupted one. Learning rates are the
    schedulers'
    business: ``CosineRestartLR`` begins anew with a round.

    Args:
        epochs (Sequence[int]): Epochs, counted from 0, that begin a round.
    """

    # The new ICN's weights follow from the seed that EpochSeedHook (NORMAL)
    # has set for the epoch.
    priority = 'BELOW_NORMAL'

    def __init__(self, epochs: Sequence[int]) -> None:
        self.epochs = tuple(epochs)
        self._state: Optional[dict] = None

    def before_train(self, runner: Runner) -> None:
        """Bring the self-teacher of a resumed run back.

        Raises:
            ValueError: If a round has begun and the checkpoint has no
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
                f'training goes on at epoch {runner.epoch}, within a round of '
                f'SelfDistillHook.epochs={self.epochs}, but the checkpoint '
                'has no "self_teacher"; resume from one that this training '
                'wrote, as it was written'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin a round, if one begins here."""
        model = self._model(runner)
        if runner.epoch not in self.epochs or not model.has_label_noise:
            return
        if model.stage < 2:
            raise ValueError(
                f'SelfDistillHook.epochs={self.epochs} holds an epoch of '
                'context distillation, after which no ICN has learned '
                'anything; begin rounds later than '
                'DistillStageHook.context_epochs'
            )
        runner.logger.info('Self-distillation: the ICN begins anew')
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
        """Remember the self-teacher of a run that is resumed."""
        if runner._resume:
            self._state = checkpoint.get('self_teacher')

    @staticmethod
    def _model(runner: Runner):
        return (
            runner.model.module
            if is_model_wrapper(runner.model)
            else runner.model
        )
