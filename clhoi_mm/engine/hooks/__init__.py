from .accelerate_hook import AccelerateHook
from .distill_stage_hook import DistillStageHook
from .epoch_seed_hook import EpochSeedHook
from .hoi_visualization_hook import HOIVisualizationHook
from .json_config_hook import JsonConfigHook
from .remember_images_hook import RememberImagesHook
from .self_distill_hook import SelfDistillHook

__all__ = [
    'AccelerateHook',
    'DistillStageHook',
    'EpochSeedHook',
    'HOIVisualizationHook',
    'JsonConfigHook',
    'RememberImagesHook',
    'SelfDistillHook',
]
