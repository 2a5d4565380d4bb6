"""Random pair predictions, image targets and losses."""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

from clhoi_mm.models.detectors.distillation import Distillation
from clhoi_mm.models.heads import PairPredictions
from tests.test_models.utils import BIKE, PERSON, TEXT_DIM, VOCABULARY, build
from tests.test_models.utils_targets import make_targets

BOX = (0, 0, 10, 10)


def make_interactions(pairs, seed=0, by_class=False):
    generator = torch.Generator().manual_seed(seed)
    shape = (len(pairs), VOCABULARY.num_hois)
    objects = torch.as_tensor(VOCABULARY.hoi_objects)
    embeds = torch.randn(len(pairs), TEXT_DIM, generator=generator)
    logits, class_logits = torch.randn(2, *shape, generator=generator)
    interactiveness = torch.randn(
        len(pairs), shape[1] if by_class else 1, generator=generator
    )
    return PairPredictions(
        embeds=F.normalize(embeds, dim=1).requires_grad_(),
        logits=logits.requires_grad_(),
        valid=objects[None] == pairs.object_labels[:, None],
        interactiveness=interactiveness.requires_grad_(),
        class_logits=class_logits.requires_grad_(),
    )


def make_image_targets(phrases, *rows):
    """Build targets of images from (HOI class, weight) rows."""
    width = max(len(r) for r in rows)
    hois = (
        torch.tensor(
            [[h for h, _ in r] + [-1] * (width - len(r)) for r in rows]
        )
        .long()
        .reshape(len(rows), width)
    )
    weights = (
        torch.tensor(
            [[w for _, w in r] + [0.0] * (width - len(r)) for r in rows]
        )
        .float()
        .reshape(len(rows), width)
    )
    objects = phrases.hoi_objects[hois.clamp(min=0)]
    return make_targets(
        captions=torch.zeros(len(rows), TEXT_DIM),
        hois=hois,
        objects=torch.where(hois >= 0, objects, -1),
        weights=weights,
        phrases=phrases.hoi_embeds[hois.clamp(min=0)],
    )


class LossWithNoise(nn.Module):
    """CLHOI's interaction distillation with a label noise model."""

    def __init__(self, noise, **options):
        super().__init__()
        self.noise = noise and build(noise)
        self.loss = build(dict(type='InteractionDistillLoss', **options))

    def forward(
        self, predictions, pairs, targets, classifier, self_teacher=None
    ):
        is_corrected = (
            targets.pair_labels is None and not targets.is_exhaustive
        )
        teacher = None
        if self_teacher is not None:
            encoded = SimpleNamespace(predictions=self_teacher)
            teacher = SimpleNamespace(encode=lambda *args: encoded)
        distillation = Distillation(
            interaction_loss=self.loss,
            label_noise=self.noise if is_corrected else None,
            self_teacher=teacher,
            context_loss=None,
            context_weight=1.0,
        )
        batch = SimpleNamespace(
            predictions=predictions, pairs=pairs, classifier=classifier
        )
        return distillation.losses(batch, targets, None)


def make_loss(noise=None, **options):
    if noise is None:
        return build(dict(type='InteractionDistillLoss', **options))
    return LossWithNoise(noise, **options)


# A person and three bicycles: one bag of three pairs.
THREE = [
    (PERSON, 0.9, BOX),
    (BIKE, 0.8, BOX),
    (BIKE, 1.0, BOX),
    (BIKE, 0.5, BOX),
]
