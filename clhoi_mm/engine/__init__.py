from .grouped_optim_wrapper_constructor import \
    GroupedOptimWrapperConstructor
from .hooks import (DistillStageHook, EpochSeedHook, HOIVisualizationHook,
                    JsonConfigHook)
from .runner import HOIRunner

__all__ = [
    'DistillStageHook', 'EpochSeedHook', 'GroupedOptimWrapperConstructor',
    'HOIRunner', 'HOIVisualizationHook', 'JsonConfigHook'
]
