from .bag_contrast_loss import BagContrastLoss
from .context_distill_loss import ContextDistillLoss
from .foreign_phrase_loss import ForeignPhraseLoss
from .interaction_distill_loss import InteractionDistillLoss
from .interactiveness_loss import InteractivenessLoss
from .label_contrast_loss import LabelContrastLoss
from .mil_loss import MILLoss
from .pair_contrast_loss import PairContrastLoss
from .pair_label_loss import PairLabelLoss

__all__ = [
    'BagContrastLoss',
    'ContextDistillLoss',
    'ForeignPhraseLoss',
    'InteractionDistillLoss',
    'InteractivenessLoss',
    'LabelContrastLoss',
    'MILLoss',
    'PairContrastLoss',
    'PairLabelLoss',
]
