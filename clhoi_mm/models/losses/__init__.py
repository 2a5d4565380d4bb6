from .context_distill_loss import ContextDistillLoss
from .interaction_distill_loss import InteractionDistillLoss

__all__ = ['ContextDistillLoss', 'InteractionDistillLoss']
