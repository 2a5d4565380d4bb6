"""InteractionDistillLoss with a label noise model."""

import torch

from tests.test_models.utils import PARK, PERSON, RIDE, make_pairs, total
from tests.test_models.utils_interactions import (
    BOX,
    THREE,
    make_image_targets,
    make_interactions,
    make_loss,
)

NOISE = dict(type='EMLabelNoise', vocabulary=PARK, warmup=1)


def test_noise_model_is_updated_before_warmup_ends(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    plain = make_loss()(interactions, pairs, targets, phrases)
    loss = make_loss(noise=NOISE)
    first_look = loss(interactions, pairs, targets, phrases)
    second_look = loss(interactions, pairs, targets, phrases)
    assert loss.noise.is_warmed_up
    for key, value in plain.items():
        torch.testing.assert_close(first_look[key], value)
        assert not torch.isclose(second_look[key], value)
    total(second_look).backward()
    assert interactions.interactiveness.grad.abs().sum() > 0
    assert interactions.class_logits.grad.abs().sum() > 0


def test_unknown_verbs_stay_positive_for_interactiveness(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    targets.hois.fill_(-1)
    targets.image_targets.zero_()
    loss = make_loss(noise=NOISE | dict(warmup=0))
    value = loss(interactions, pairs, targets, phrases)['loss_interactiveness']
    plain = make_loss()(interactions, pairs, targets, phrases)
    torch.testing.assert_close(value, plain['loss_interactiveness'])


def test_annotations_skip_the_noise_model(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 1.0)])
    targets.is_exhaustive = True
    loss = make_loss(noise=NOISE | dict(warmup=0))
    torch.testing.assert_close(
        loss(interactions, pairs, targets, phrases),
        make_loss()(interactions, pairs, targets, phrases),
    )
    assert not loss.noise.is_warmed_up


def test_noise_model_with_a_batch_without_pairs(phrases):
    pairs = make_pairs([[(PERSON, 0.9, BOX)]])
    interactions = make_interactions(pairs)
    loss = make_loss(noise=NOISE | dict(warmup=0))
    losses = loss(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )
    total(losses).backward()
    assert all(v == 0 for v in losses.values())
    assert not loss.noise.transition_counts.any()
