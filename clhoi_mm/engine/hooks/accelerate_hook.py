from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from clhoi_mm.models.acceleration import accelerate, transpose_linear_weights
from clhoi_mm.registry import HOOKS


@HOOKS.register_module()
class AccelerateHook(Hook):
    """Accelerates a model for testing, after weights are loaded.

    For runners that only test, see :func:`accelerate` and
    :func:`transpose_linear_weights`.

    Args:
        fast (bool): Whether backbone and neck run in bfloat16. Defaults to
            False.
    """

    def __init__(self, fast: bool = False) -> None:
        self.fast = fast

    def before_test(self, runner: Runner) -> None:
        """Accelerate a model that detects interactions."""
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        if hasattr(model, 'teacher_head'):
            accelerate(model.detector, self.fast)
            transpose_linear_weights(model.vlt, model.icn)
