from .distill_stage_hook import DistillStageHook
from .epoch_seed_hook import EpochSeedHook
from .json_config_hook import JsonConfigHook

__all__ = ['DistillStageHook', 'EpochSeedHook', 'JsonConfigHook']
