from .hooks import (DistillStageHook, EpochSeedHook, HOIVisualizationHook,
                    JsonConfigHook)
from .runner import HOIRunner

__all__ = [
    'DistillStageHook', 'EpochSeedHook', 'HOIRunner', 'HOIVisualizationHook',
    'JsonConfigHook'
]
