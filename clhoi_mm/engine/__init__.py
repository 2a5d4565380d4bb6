from .hooks import DistillStageHook, EpochSeedHook, JsonConfigHook
from .runner import HOIRunner

__all__ = ['DistillStageHook', 'EpochSeedHook', 'HOIRunner', 'JsonConfigHook']
