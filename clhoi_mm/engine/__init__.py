from .cosine_restart_at_lr import CosineRestartAtLR
from .cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from .grouped_optim_wrapper_constructor import GroupedOptimWrapperConstructor
from .hooks import (
    AccelerateHook,
    DistillStageHook,
    EpochSeedHook,
    HOIVisualizationHook,
    JsonConfigHook,
    RememberImagesHook,
    SelfDistillHook,
)
from .loops import HOITestLoop, HOIValLoop, UnreadableImages
from .runner import HOIRunner

__all__ = [
    'AccelerateHook',
    'CPUAmpOptimWrapper',
    'CosineRestartAtLR',
    'DistillStageHook',
    'EpochSeedHook',
    'GroupedOptimWrapperConstructor',
    'HOIRunner',
    'HOITestLoop',
    'HOIValLoop',
    'HOIVisualizationHook',
    'JsonConfigHook',
    'RememberImagesHook',
    'SelfDistillHook',
    'UnreadableImages',
]
