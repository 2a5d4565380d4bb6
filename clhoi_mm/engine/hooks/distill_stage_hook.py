from typing import Any, Iterator

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from clhoi_mm.datasets.transforms import LoadTeacherKnowledge
from clhoi_mm.registry import HOOKS


@HOOKS.register_module()
class DistillStageHook(Hook):
    """Switches from context distillation to interaction distillation.

    The stage depends on the epoch alone, so that a resumed run is in the right
    one. Parameters are never frozen by ``requires_grad``, which
    DistributedDataParallel would not notice once it wraps the model: a frozen
    part has a learning rate of 0, and the VLT has a lower one in the second
    stage. The factors apply within an iteration only, so that schedulers and
    checkpoints see the original rates.

    The optimizer must keep the VLT's parameters in groups of their own:
    ``paramwise_cfg=dict(custom_keys={'vlt': dict(lr_mult=1.0)})``.

    Args:
        context_epochs (int): Epochs of context distillation alone.
        vlt_lr_mult (float): Factor of the VLT's learning rate while
            interactions are distilled. Defaults to 0.1.
    """

    # After the schedulers set the rates; restored before they step or a
    # checkpoint is written.
    priority = 'ABOVE_NORMAL'

    def __init__(self, context_epochs: int, vlt_lr_mult: float = 0.1) -> None:
        self.context_epochs = context_epochs
        self.vlt_lr_mult = vlt_lr_mult
        self._factors: list[float] = []
        self._rates: list[float] = []

    def before_train(self, runner: Runner) -> None:
        """Check that the stages fit the model."""
        model = self._model(runner)
        if self.context_epochs > 0 and model.context_loss is None:
            raise ValueError(
                f'DistillStageHook.context_epochs={self.context_epochs}, but '
                'the model has no context_loss; set context_epochs=0'
            )
        # Report errors of either stage now rather than epochs later.
        for stage in (1, 2):
            self._factors_of_stage(runner, stage)
        self._check_encoder(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Set the stage by the epoch."""
        model = self._model(runner)
        stage = 1 if runner.epoch < self.context_epochs else 2
        if model.stage != stage or runner.epoch in (0, self.context_epochs):
            name = 'context' if stage == 1 else 'interaction'
            runner.logger.info(f'Stage {stage}: {name} distillation')
        model.stage = stage
        self._factors = self._factors_of_stage(runner, stage)
        if runner.epoch == self.context_epochs and model.icn is not None:
            # Adam has averaged the first stage's zero gradients; its steps
            # would be several times too large for hundreds of iterations.
            state = runner.optim_wrapper.optimizer.state
            for param in model.icn.parameters():
                state.pop(param, None)

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Scale the learning rates of this iteration."""
        groups = runner.optim_wrapper.optimizer.param_groups
        self._rates = [group['lr'] for group in groups]
        for group, factor in zip(groups, self._factors):
            group['lr'] *= factor

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Restore the learning rates."""
        groups = runner.optim_wrapper.optimizer.param_groups
        for group, rate in zip(groups, self._rates):
            group['lr'] = rate

    def after_train(self, runner: Runner) -> None:
        """Warn if the label noise model's warm-up never ended."""
        noise = self._model(runner).label_noise
        if noise is not None and 0 < noise.iterations <= noise.warmup:
            runner.logger.warning(
                'The label noise model was never used: '
                f'label_noise.warmup={noise.warmup}, but interactions were '
                f'distilled for {int(noise.iterations)} iterations; lower '
                'model.label_noise.warmup'
            )

    def _check_encoder(self, runner: Runner) -> None:
        """Check that cache and model use the same text encoder.

        Raises:
            ValueError: If the teacher's cache was packed with another text
                encoder than the model's phrases.
        """
        model_encoder = self._model(
            runner
        ).teacher_head.classifier.encoder_identity
        for transform in _nested(runner.train_dataloader.dataset):
            if model_encoder is None or not isinstance(
                transform, LoadTeacherKnowledge
            ):
                continue
            cache_encoder = transform.cache.manifest['text_encoder']
            if cache_encoder != model_encoder:
                raise ValueError(
                    f'the cache {transform.cache.path} was packed with the '
                    f'text encoder {cache_encoder}, the model embeds its '
                    f'classes with {model_encoder}; pack the cache again, or '
                    'change model.teacher_head.text_encoder'
                )

    @staticmethod
    def _model(runner: Runner):
        return (
            runner.model.module
            if is_model_wrapper(runner.model)
            else runner.model
        )

    def _factors_of_stage(self, runner: Runner, stage: int) -> list[float]:
        """List each parameter group's learning rate factor in a stage."""
        model = self._model(runner)
        groups = runner.optim_wrapper.optimizer.param_groups
        part, factor = (
            (model.icn, 0.0) if stage == 1 else (model.vlt, self.vlt_lr_mult)
        )
        if part is None or factor == 1.0 or self.context_epochs == 0:
            return [1.0] * len(groups)
        params = {id(p) for p in part.parameters()}
        factors = []
        for group in groups:
            inside = [id(p) in params for p in group['params']]
            if any(inside) != all(inside):
                raise ValueError(
                    'the VLT, the ICN and the rest share a parameter group '
                    'of the optimizer, so that stages cannot have different '
                    'learning rates; set optim_wrapper.paramwise_cfg=dict('
                    "custom_keys={'vlt': dict(lr_mult=1.0)})"
                )
            factors.append(factor if all(inside) else 1.0)
        return factors


def _nested(part: Any) -> Iterator[Any]:
    """Iterate over a data set or transform and nested ones."""
    yield part
    for name in ('dataset', 'datasets', 'pipeline', 'transforms', 'steps'):
        inner = getattr(part, name, None)
        for each in inner if isinstance(inner, (list, tuple)) else (inner,):
            if each is not None:
                yield from _nested(each)
