import itertools
import math
from dataclasses import fields

import pytest
import torch
import torch.nn.functional as F

from clhoi_mm.models.heads import PairPredictions
from tests.test_models.utils import (
    BIKE,
    DOG,
    FEED,
    HOLD_BIKE,
    HOLD_DOG,
    NO_BIKE,
    PERSON,
    RIDE,
    VOCABULARY,
    make_pairs,
)
from tests.test_models.utils_interactions import (
    BOX,
    THREE,
    make_image_targets,
    make_interactions,
    make_loss,
)

CONTRAST = dict(type='PairContrastLoss')


def first(interactions, count):
    """Return the predictions of the first pairs."""
    return PairPredictions(
        *(
            getattr(interactions, field.name)[:count]
            for field in fields(PairPredictions)
        )
    )


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def cross_entropy(none, target):
    return -(target * math.log(1 - none) + (1 - target) * math.log(none))


@pytest.mark.parametrize('further', [0.01, 0.3, 1.0])
@pytest.mark.parametrize('said, weight', [([(RIDE, 0.8)], 1.0), ([], 0.3)])
def test_interactiveness_of_a_bag_of_three(phrases, said, weight, further):
    """The likelihood sums over all subsets of positive pairs."""
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    loss = make_loss(extra_positive_prior=further)(
        interactions, pairs, make_image_targets(phrases, said), phrases
    )['loss_interactiveness']
    probs = [
        0.9 * score * sigmoid(logit)
        for logit, score in zip(
            interactions.interactiveness[:, 0].tolist(), (0.8, 1.0, 0.5)
        )
    ]
    likelihood = [0.0, 0.0]
    for yes in itertools.product((False, True), repeat=3):
        likelihood[any(yes)] += further ** max(0, sum(yes) - 1) * math.prod(
            p if y else 1 - p for p, y in zip(probs, yes)
        )
    assert math.isclose(
        loss, -weight * math.log(likelihood[bool(said)]), rel_tol=1e-5
    )


def test_sparsity_prior_pushes_other_pairs_down(phrases):
    """Without the sparsity prior, they are pushed up."""
    pairs = make_pairs([THREE])
    for further, lowered in ((0.1, True), (1.0, False)):
        interactions = make_interactions(pairs)
        with torch.no_grad():
            interactions.interactiveness[:, 0] = torch.tensor(
                [2.0, -1.0, -1.0]
            )
        losses = make_loss(extra_positive_prior=further)(
            interactions,
            pairs,
            make_image_targets(phrases, [(RIDE, 0.8)]),
            phrases,
        )
        losses['loss_interactiveness'].backward()
        grad = interactions.interactiveness.grad
        assert grad[0] < 0
        assert ((grad[1:] > 0) == lowered).all()


@pytest.mark.parametrize('further', [0.0, 1.5])
def test_extra_positive_prior_is_a_probability(further):
    with pytest.raises(ValueError, match='extra_positive_prior'):
        make_loss(extra_positive_prior=further)


def test_image_loss_of_a_bag_of_three(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    loss = make_loss(instance_weight_power=2.0)(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )['loss_mil']
    counts = [
        0.9 * score * sigmoid(logit)
        for logit, score in zip(
            interactions.interactiveness[:, 0].tolist(), (0.8, 1.0, 0.5)
        )
    ]
    expected = 0.0
    for hoi, target, weight in ((RIDE, 0.8, 1.0), (HOLD_BIKE, 0.0, 0.3)):
        none = 1.0
        for pair, count in enumerate(counts):
            share = (count / max(counts)) ** 2
            none *= 1 - share * sigmoid(
                interactions.class_logits[pair, hoi].item()
            )
        expected += weight * cross_entropy(none, target)
    # Two valid classes: no_interaction is scored from the other one.
    assert math.isclose(loss, expected / 2, rel_tol=1e-5)


def test_class_loss_has_no_interactiveness_gradient(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    losses = make_loss()(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )
    assert (
        torch.autograd.grad(
            losses['loss_mil'],
            interactions.interactiveness,
            allow_unused=True,
            retain_graph=True,
        )[0]
        is None
    )
    (grad,) = torch.autograd.grad(
        losses['loss_interactiveness'], interactions.interactiveness
    )
    assert (grad != 0).all()


def test_non_interactive_pairs_get_no_class_gradient(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    with torch.no_grad():
        interactions.interactiveness[:, 0] = torch.tensor([2.0, -4.0, 0.0])
    make_loss()(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )['loss_mil'].backward()
    moved = interactions.class_logits.grad[:, RIDE].abs()
    assert moved[0] > 20 * moved[2] > 0
    assert moved[1] < 1e-4 * moved[0]


@pytest.mark.parametrize(
    'logit, said, gradient', [(-40.0, 1.0, -0.5), (40.0, 0.0, 0.15)]
)
def test_gradient_with_saturated_logits(phrases, logit, said, gradient):
    """Confident wrong predictions keep a finite, nonzero gradient."""
    pairs = make_pairs([[(PERSON, 1.0, BOX), (BIKE, 1.0, BOX)]])
    interactions = make_interactions(pairs)
    with torch.no_grad():
        interactions.class_logits[0, RIDE] = logit
        interactions.interactiveness[0] = logit
    targets = make_image_targets(phrases, [(RIDE, said)] if said else [])
    losses = make_loss()(interactions, pairs, targets, phrases)
    sum(losses.values()).backward()
    grad = interactions.class_logits.grad[0]
    assert torch.isfinite(grad).all()
    # The mean is over two classes.
    assert math.isclose(grad[RIDE], gradient, abs_tol=1e-3)
    assert math.isclose(
        interactions.interactiveness.grad[0], 2 * gradient, abs_tol=2e-3
    )


def test_labels_outside_the_vocabulary_are_positive_for_interactiveness(
    phrases,
):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)

    def interactive(hoi, obj):
        targets = make_image_targets(phrases, [(RIDE, 0.8)])
        targets.hois[:], targets.objects[:] = hoi, obj
        targets.image_targets[:] = 0
        return make_loss()(interactions, pairs, targets, phrases)[
            'loss_interactiveness'
        ]

    assert interactive(-1, BIKE) == interactive(RIDE, BIKE)
    assert interactive(-1, -1) == interactive(-1, DOG)
    assert interactive(-1, DOG) != interactive(RIDE, BIKE)
    # Annotated as no_interaction.
    assert interactive(NO_BIKE, BIKE) == interactive(-1, DOG)


def test_unlabeled_images_and_undetected_labels_are_ignored(phrases):
    bike = [(PERSON, 0.9, BOX), (BIKE, 0.8, BOX)]
    pairs = make_pairs([bike, bike])
    interactions = make_interactions(pairs)
    # The first image's dog is undetected; the second image is unlabeled.
    targets = make_image_targets(phrases, [(RIDE, 0.8), (FEED, 0.9)], [])
    targets.is_labeled[1] = False
    both = make_loss()(interactions, pairs, targets, phrases)
    alone = make_pairs([bike])
    one = make_loss()(
        first(interactions, 1),
        alone,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )
    for key in both:
        torch.testing.assert_close(both[key], one[key])


def test_pair_labels_narrow_the_bag_and_replace_the_image_loss(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 1.0)])
    targets.pair_labels = torch.zeros(3, VOCABULARY.num_hois)
    targets.pair_labels[1, RIDE] = 1.0
    losses = make_loss(contrast=CONTRAST)(
        interactions, pairs, targets, phrases
    )
    expected = F.binary_cross_entropy_with_logits(
        interactions.logits[:, [RIDE, HOLD_BIKE]],
        targets.pair_labels[:, [RIDE, HOLD_BIKE]],
    )
    torch.testing.assert_close(losses['loss_mil'], expected)
    torch.testing.assert_close(
        losses['loss_interactiveness'],
        F.binary_cross_entropy_with_logits(
            interactions.interactiveness[:, 0], torch.tensor([0.0, 1.0, 0.0])
        ),
    )
    losses['loss_contrast'].backward()
    moved = interactions.embeds.grad.abs().sum(1) > 0
    assert moved.tolist() == [False, True, False]


def test_without_contrastive_losses(phrases):
    pairs = make_pairs([THREE])
    losses = make_loss()(
        make_interactions(pairs),
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )
    assert losses.keys() == {'loss_interactiveness', 'loss_mil'}


def test_weights(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    plain = make_loss(contrast=CONTRAST)(interactions, pairs, targets, phrases)
    weighed = make_loss(
        loss_interactiveness_weight=4.0,
        loss_mil_weight=2.0,
        contrast=CONTRAST,
        contrast_weight=3.0,
    )(interactions, pairs, targets, phrases)
    for key, weight in (
        ('loss_interactiveness', 4),
        ('loss_mil', 2),
        ('loss_contrast', 3),
    ):
        torch.testing.assert_close(weighed[key], weight * plain[key])


@pytest.mark.parametrize(
    'scene', [[], [(BIKE, 0.9, BOX)], [(PERSON, 0.9, BOX), (DOG, 0.9, BOX)]]
)
@pytest.mark.parametrize('rows', [[], [(RIDE, 0.8)], [(HOLD_DOG, 0.8)]])
@pytest.mark.parametrize('labeled', [False, True])
@pytest.mark.parametrize(
    'contrast', ['PairContrastLoss', 'BagContrastLoss', 'ForeignPhraseLoss']
)
def test_missing_inputs_give_finite_losses_with_gradients(
    phrases, scene, rows, labeled, contrast
):
    pairs = make_pairs([scene])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, rows)
    if labeled:
        targets.pair_labels = torch.zeros(len(pairs), VOCABULARY.num_hois)
    losses = make_loss(contrast=dict(type=contrast))(
        interactions, pairs, targets, phrases
    )
    assert all(torch.isfinite(v) and v.requires_grad for v in losses.values())
    sum(losses.values()).backward()
    for part in ('embeds', 'logits', 'interactiveness', 'class_logits'):
        grad = getattr(interactions, part).grad
        assert grad is None or torch.isfinite(grad).all()
    if not len(pairs):
        assert sum(losses.values()) == 0
