from .context_distill_loss import ContextDistillLoss
from .interaction_distill_loss import InteractionDistillLoss
from .teacher_noise import TeacherNoise

__all__ = ['ContextDistillLoss', 'InteractionDistillLoss', 'TeacherNoise']
