"""Verb-wise interactiveness: one bag per image and class."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from tests.test_models.utils import (
    BIKE,
    DOG,
    FEED,
    HOLD_BIKE,
    NO_BIKE,
    PARK,
    PERSON,
    RIDE,
    VOCABULARY,
    make_pairs,
    total,
)
from tests.test_models.utils_interactions import (
    BOX,
    THREE,
    make_image_targets,
    make_interactions,
    make_loss,
)

NOISE = dict(type='EMLabelNoise', vocabulary=PARK, warmup=1000)


def judged(pairs, seed=0):
    return make_interactions(pairs, seed, by_class=True)


def probabilities(interactions, hoi):
    """Return each pair's class probability times detection scores."""
    logits = interactions.interactiveness[:, hoi]
    return (0.9 * torch.tensor([0.8, 1.0, 0.5]) * logits.sigmoid()).tolist()


@pytest.mark.parametrize('further', [0.01, 0.3, 1.0])
def test_a_bag_of_three(phrases, further):
    """Riding is labeled; holding is not and weighs less."""
    pairs = make_pairs([THREE])
    interactions = judged(pairs)
    loss = make_loss(extra_positive_prior=further)(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )['loss_interactiveness']
    expected = 0.0
    for hoi, target, weight in ((RIDE, 0.8, 1.0), (HOLD_BIKE, 0.0, 0.3)):
        likelihood = [0.0, 0.0]
        probs = probabilities(interactions, hoi)
        for yes in itertools.product((False, True), repeat=3):
            likelihood[any(yes)] += further ** max(
                0, sum(yes) - 1
            ) * math.prod(p if y else 1 - p for p, y in zip(probs, yes))
        expected -= weight * (
            target * math.log(likelihood[1])
            + (1 - target) * math.log(likelihood[0])
        )
    # Two valid classes: no_interaction is scored from the other one.
    assert math.isclose(loss, expected / 2, rel_tol=1e-5)


def test_instance_weights_are_per_class(phrases):
    """Interactiveness of one verb does not weight that of another."""
    pairs = make_pairs([THREE])
    interactions = judged(pairs)
    loss = make_loss(instance_weight_power=2.0)(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )['loss_mil']
    expected = 0.0
    for hoi, target, weight in ((RIDE, 0.8, 1.0), (HOLD_BIKE, 0.0, 0.3)):
        counts = probabilities(interactions, hoi)
        none = 1.0
        for pair, count in enumerate(counts):
            none *= (
                1
                - (count / max(counts)) ** 2
                * interactions.class_logits[pair, hoi].sigmoid().item()
            )
        expected -= weight * (
            target * math.log(1 - none) + (1 - target) * math.log(none)
        )
    assert math.isclose(loss, expected / 2, rel_tol=1e-5)


def test_equal_logits_reduce_to_shared_interactiveness(phrases):
    """With equal logits for all classes, class losses agree."""
    pairs = make_pairs([THREE, THREE[:2]])
    one, each = make_interactions(pairs), judged(pairs)
    each.class_logits = one.class_logits
    with torch.no_grad():
        each.interactiveness.copy_(
            one.interactiveness.expand_as(each.interactiveness)
        )
    targets = make_image_targets(phrases, [(RIDE, 0.8)], [(HOLD_BIKE, 0.5)])
    torch.testing.assert_close(
        make_loss()(each, pairs, targets, phrases)['loss_mil'],
        make_loss()(one, pairs, targets, phrases)['loss_mil'],
    )


def test_only_valid_classes_get_gradients(phrases):
    pairs = make_pairs(
        [[(PERSON, 0.9, BOX), (BIKE, 0.8, BOX), (DOG, 0.9, BOX)]]
    )
    interactions = judged(pairs)
    losses = make_loss()(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8), (FEED, 0.5)]),
        phrases,
    )
    losses['loss_interactiveness'].backward()
    learned = interactions.valid & phrases.is_trainable
    assert torch.equal(interactions.interactiveness.grad != 0, learned)
    assert not learned[:, NO_BIKE].any()


def test_pair_labels_narrow_the_bags(phrases):
    pairs = make_pairs([THREE])
    interactions = judged(pairs)
    targets = make_image_targets(phrases, [(RIDE, 1.0)])
    targets.pair_labels = torch.zeros(3, VOCABULARY.num_hois)
    targets.pair_labels[1, RIDE] = 1.0
    losses = make_loss()(interactions, pairs, targets, phrases)
    own = [RIDE, HOLD_BIKE]
    torch.testing.assert_close(
        losses['loss_interactiveness'],
        F.binary_cross_entropy_with_logits(
            interactions.interactiveness[:, own], targets.pair_labels[:, own]
        ),
    )


def test_warmed_up_noise_model_gives_posteriors(phrases):
    """Targets are posteriors, not the pseudo-labels."""
    pairs = make_pairs([[(PERSON, 1.0, BOX), (BIKE, 1.0, BOX)]])
    interactions = judged(pairs)
    targets = make_image_targets(phrases, [(RIDE, 0.5)])
    loss = make_loss(noise=NOISE)
    loss.noise.warmup = 0
    value = loss(interactions, pairs, targets, phrases)['loss_interactiveness']
    noise = make_loss(noise=NOISE).noise
    none = F.logsigmoid(-interactions.class_logits.detach())
    possible = interactions.valid & phrases.is_trainable
    noise.update(none, targets.image_targets, possible)
    done = noise.posterior(none, targets.image_targets, possible)
    own = [RIDE, HOLD_BIKE]
    assert (done[0, own] > 0).all() and (done[0, own] < 1).all()
    torch.testing.assert_close(
        value,
        F.binary_cross_entropy_with_logits(
            interactions.interactiveness[:, own], done[:, own]
        ),
    )


def test_self_teacher_trains_verbwise_interactiveness(phrases):
    """A self-teacher confident of holding overrides missing labels."""
    pairs = make_pairs([[(PERSON, 1.0, BOX), (BIKE, 1.0, BOX)]])
    student, self_teacher = judged(pairs, 0), judged(pairs, 1)
    with torch.no_grad():
        self_teacher.interactiveness.fill_(30.0)
        self_teacher.class_logits.fill_(-30.0)
        self_teacher.class_logits[:, HOLD_BIKE] = 30.0
    loss = make_loss(noise=NOISE)
    losses = loss(
        student, pairs, make_image_targets(phrases, []), phrases, self_teacher
    )
    total(losses).backward()
    assert student.interactiveness.grad[0, HOLD_BIKE] < 0
    assert student.interactiveness.grad[0, RIDE] > 0
    assert self_teacher.interactiveness.grad is None


@pytest.mark.parametrize(
    'scene', [[], [(BIKE, 0.9, BOX)], [(PERSON, 0.9, BOX), (DOG, 0.9, BOX)]]
)
@pytest.mark.parametrize('rows', [[], [(RIDE, 0.8)], [(FEED, 0.8)]])
@pytest.mark.parametrize('source', ['words', 'noise', 'labels'])
def test_missing_inputs_give_finite_losses_with_gradients(
    phrases, scene, rows, source
):
    pairs = make_pairs([scene])
    interactions = judged(pairs)
    targets = make_image_targets(phrases, rows)
    if source == 'labels':
        targets.pair_labels = torch.zeros(len(pairs), VOCABULARY.num_hois)
    loss = make_loss(noise=NOISE if source == 'noise' else None)
    losses = loss(interactions, pairs, targets, phrases)
    assert all(torch.isfinite(v) and v.requires_grad for v in losses.values())
    total(losses).backward()
    grad = interactions.interactiveness.grad
    assert grad is None or torch.isfinite(grad).all()
    if not len(pairs):
        assert total(losses) == 0
