from .corrected_targets import CorrectedTargets
from .em_label_noise import EMLabelNoise
from .label_noise_model import LabelNoiseModel
from .learnable_label_noise import LearnableLabelNoise
from .pointing_prior import PointingPrior

__all__ = [
    'CorrectedTargets',
    'EMLabelNoise',
    'LabelNoiseModel',
    'LearnableLabelNoise',
    'PointingPrior',
]
