from .context_distill_loss import ContextDistillLoss
from .interaction_distill_loss import InteractionDistillLoss
from .learned_teacher_noise import LearnedTeacherNoise
from .noisy_words import NoisyWords
from .teacher_noise import TeacherNoise

__all__ = [
    'ContextDistillLoss',
    'InteractionDistillLoss',
    'LearnedTeacherNoise',
    'NoisyWords',
    'TeacherNoise',
]
