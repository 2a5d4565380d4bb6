"""Posteriors of pseudo-labels given the student."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.registry import MODELS
from tests.test_models.utils import (
    BIKE,
    DOG,
    FEED,
    HOLD_BIKE,
    HOLD_DOG,
    HUG_DOG,
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

CLASSES = VOCABULARY.num_hois
EVERYWHERE = torch.ones(1, CLASSES, dtype=torch.bool)
# Recall, confusion and false-positive rates.
OWN, OTHER, CHANCE = 0.6, 0.1, 0.04
NOISES = dict(
    EMLabelNoise=dict(
        recall_prior=(OWN, 1 - OWN),
        confusion_prior=(OTHER, 1 - OTHER),
        false_positive_prior=(CHANCE, 1 - CHANCE),
    ),
    LearnableLabelNoise=dict(
        recall=0.8,
        confusion=OTHER,
        false_positive=0.001,
        posterior_probs=(OWN, CHANCE),
    ),
)


def make_noise(kind: str):
    noise = MODELS.build(
        dict(type=kind, vocabulary=PARK, warmup=0, **NOISES[kind])
    )
    # Labels have the mean score, which carries no evidence.
    noise.scores.copy_(torch.tensor([0.5, 1.0]))
    return noise


def student_log_probs(**sees) -> torch.Tensor:
    """Return negative-bag log-probabilities; unnamed classes have 1e-3."""
    yes = torch.full((1, CLASSES), 1e-3)
    for name, value in sees.items():
        yes[0, globals()[name]] = value
    return torch.log1p(-yes)


def labels_with_mean_score(*hois) -> torch.Tensor:
    said = torch.zeros(1, CLASSES)
    said[0, list(hois)] = 0.5
    return said


@pytest.fixture(params=list(NOISES))
def noise(request):
    return make_noise(request.param)


def odds(probability: torch.Tensor) -> float:
    return (probability / (1 - probability)).item()


def test_posterior_odds_of_a_label_by_hand(noise):
    """Feeding is labeled; the dog has two other verbs."""
    done = noise.posterior(
        student_log_probs(FEED=0.5, HOLD_DOG=0.0, HUG_DOG=0.0),
        labels_with_mean_score(FEED),
        EVERYWHERE,
    )
    # Lower bound of the other classes' probabilities: 1e-4.
    silent = (1 - CHANCE) * (1 - OTHER * 1e-4) ** 2
    expected = (OWN + (1 - OWN) * (1 - silent)) / (1 - silent)
    # The two classes that feeding is confused with are not labeled.
    expected *= (1 - OTHER) ** 2
    assert odds(done[0, FEED]) == pytest.approx(expected, rel=1e-3)


def test_score_above_the_mean_raises_the_posterior(noise):
    seen = student_log_probs(FEED=0.5, HOLD_DOG=0.0, HUG_DOG=0.0)
    mean, sure = (
        noise.posterior(
            seen, score * labels_with_mean_score(FEED), EVERYWHERE
        )[0, FEED]
        for score in (1.0, 1.8)
    )
    silent = (1 - CHANCE) * (1 - OTHER * 1e-4) ** 2
    expected = (OWN * 9 + (1 - OWN) * (1 - silent)) / (
        OWN + (1 - OWN) * (1 - silent)
    )
    assert odds(sure) / odds(mean) == pytest.approx(expected, rel=1e-2)


def test_missing_label_lowers_the_posterior(noise):
    done = noise.posterior(
        student_log_probs(FEED=0.5, HOLD_DOG=0.0, HUG_DOG=0.0),
        labels_with_mean_score(),
        EVERYWHERE,
    )
    expected = (1 - OWN) * (1 - OTHER) ** 2
    assert odds(done[0, FEED]) == pytest.approx(expected, rel=1e-3)


def test_label_may_come_from_a_confused_class(noise):
    """The label is riding; the student sees riding or holding."""
    rides = noise.posterior(
        student_log_probs(RIDE=0.5, HOLD_BIKE=0.02),
        labels_with_mean_score(RIDE),
        EVERYWHERE,
    )[0]
    holds = noise.posterior(
        student_log_probs(RIDE=0.02, HOLD_BIKE=0.5),
        labels_with_mean_score(RIDE),
        EVERYWHERE,
    )[0]
    assert rides[RIDE] > 0.9 > rides[HOLD_BIKE]
    assert holds[HOLD_BIKE] > 0.5 > holds[RIDE]
    # A confused label is evidence for the true class.
    silent = noise.posterior(
        student_log_probs(RIDE=0.02, HOLD_BIKE=0.5),
        labels_with_mean_score(),
        EVERYWHERE,
    )[0]
    assert holds[HOLD_BIKE] > silent[HOLD_BIKE]


def test_impossible_labels_have_no_posterior(noise):
    possible = EVERYWHERE.clone()
    possible[0, RIDE] = False
    done = noise.posterior(
        student_log_probs(RIDE=0.9, HOLD_BIKE=0.5),
        labels_with_mean_score(RIDE),
        possible,
    )
    assert done[0, RIDE] == 0 and done[0, NO_BIKE] == 0
    # It is no evidence for another class either.
    without = noise.posterior(
        student_log_probs(HOLD_BIKE=0.5, RIDE=0.9),
        labels_with_mean_score(),
        possible,
    )
    assert done[0, HOLD_BIKE] == without[0, HOLD_BIKE]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=CLASSES, max_size=CLASSES),
    st.sets(st.sampled_from([RIDE, HOLD_BIKE, FEED, HOLD_DOG, HUG_DOG])),
    st.sampled_from(list(NOISES)),
)
def test_posteriors_are_probabilities(seen, said, kind):
    log_prob_negative_bag = torch.log1p(
        -torch.tensor([seen]).clamp(max=1 - 1e-6)
    )
    done = make_noise(kind).posterior(
        log_prob_negative_bag, labels_with_mean_score(*said), EVERYWHERE
    )
    assert ((done >= 0) & (done <= 1)).all()


@settings(deadline=None, max_examples=25)
@given(
    st.floats(0.01, 0.99),
    st.sampled_from([(), (RIDE,), (HOLD_BIKE,), (RIDE, HOLD_BIKE)]),
)
def test_equals_exact_bayes_rule_with_one_known_class(seen, said):
    """Compare with enumeration where one of two classes is certain."""
    noise = make_noise('EMLabelNoise')
    holding = 1 - 1e-4
    yes = {RIDE: seen, HOLD_BIKE: holding}
    done = noise.posterior(
        torch.log1p(
            -torch.tensor(
                [[yes.get(c, 0.0) for c in range(CLASSES)]], dtype=torch.double
            )
        ).float(),
        labels_with_mean_score(*said),
        EVERYWHERE,
    )[0, RIDE]

    def likelihood(rides: bool, holds: bool) -> float:
        value = 1.0
        for word, own, other in (
            (RIDE, rides, holds),
            (HOLD_BIKE, holds, rides),
        ):
            silent = (1 - CHANCE) * (1 - OWN * own) * (1 - OTHER * other)
            value *= 1 - silent if word in said else silent
        return value

    weight = {
        (r, h): (seen if r else 1 - seen)
        * (holding if h else 1 - holding)
        * likelihood(r, h)
        for r, h in itertools.product((True, False), repeat=2)
    }
    exact = (weight[True, True] + weight[True, False]) / sum(weight.values())
    assert done.item() == pytest.approx(exact, abs=2e-3)


NOISE = dict(type='EMLabelNoise', vocabulary=PARK, warmup=1000)


def test_self_teacher_replaces_pseudo_labels(phrases):
    pairs = make_pairs([THREE])
    student, self_teacher = (make_interactions(pairs, seed) for seed in (0, 1))
    loss = make_loss(noise=NOISE)
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    losses = loss(student, pairs, targets, phrases, self_teacher)
    total(losses).backward()
    assert student.class_logits.grad.abs().sum() > 0
    assert student.interactiveness.grad.abs().sum() > 0
    assert self_teacher.class_logits.grad is None
    assert self_teacher.interactiveness.grad is None
    # No warm-up is needed, and the rates are still counted.
    assert not loss.noise.is_warmed_up and loss.noise.iterations == 1
    assert loss.noise.transition_counts.any()


def test_self_teacher_loss_of_one_pair_by_hand(phrases):
    """One pair, with a self-teacher confident of holding."""
    pairs = make_pairs([[(PERSON, 1.0, BOX), (BIKE, 1.0, BOX)]])
    student, self_teacher = (make_interactions(pairs, seed) for seed in (0, 1))
    with torch.no_grad():
        self_teacher.interactiveness.fill_(30.0)
        self_teacher.class_logits.fill_(-30.0)
        self_teacher.class_logits[:, HOLD_BIKE] = 30.0
    loss = make_loss(noise=NOISE | NOISES['EMLabelNoise'])
    losses = loss(
        student,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.5)]),
        phrases,
        self_teacher,
    )
    done = loss.noise.posterior(
        student_log_probs(RIDE=1e-4, HOLD_BIKE=1 - 1e-4),
        labels_with_mean_score(RIDE),
        EVERYWHERE,
    )
    assert done[0, HOLD_BIKE] > 0.99
    expected = []
    for hoi in (RIDE, HOLD_BIKE, NO_BIKE):
        p = student.class_logits[0, hoi].sigmoid().item()
        t = done[0, hoi].item()
        expected.append(-t * math.log(p) - (1 - t) * math.log(1 - p))
    # no_interaction is not trained: it is derived from the others.
    learned = phrases.is_trainable[[RIDE, HOLD_BIKE, NO_BIKE]].tolist()
    expected = [
        e for e, is_trainable in zip(expected, learned) if is_trainable
    ]
    assert losses['loss_mil'].item() == pytest.approx(
        sum(expected) / len(expected), rel=1e-2
    )
    used = student.interactiveness[0].sigmoid().item()
    assert losses['loss_interactiveness'].item() == pytest.approx(
        -math.log(used), rel=2e-2
    )


def test_self_teacher_does_not_change_verbs_outside_the_vocabulary(phrases):
    pairs = make_pairs([THREE])
    student, self_teacher = (make_interactions(pairs, seed) for seed in (0, 1))
    with torch.no_grad():
        self_teacher.interactiveness.fill_(-30.0)
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    targets.hois.fill_(-1)
    targets.image_targets.zero_()
    value = make_loss(noise=NOISE)(
        student, pairs, targets, phrases, self_teacher
    )
    plain = make_loss()(student, pairs, targets, phrases)
    torch.testing.assert_close(
        value['loss_interactiveness'], plain['loss_interactiveness']
    )


@pytest.mark.parametrize(
    'scene', [[(PERSON, 0.9, BOX)], [(BIKE, 0.9, BOX), (DOG, 0.9, BOX)]]
)
def test_self_teacher_with_a_batch_without_pairs(phrases, scene):
    pairs = make_pairs([scene])
    student, self_teacher = (make_interactions(pairs, seed) for seed in (0, 1))
    losses = make_loss(noise=NOISE)(
        student,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
        self_teacher,
    )
    total(losses).backward()
    assert all(v == 0 for v in losses.values())


def test_self_teacher_without_labels(phrases):
    pairs = make_pairs([THREE])
    student, self_teacher = (make_interactions(pairs, seed) for seed in (0, 1))
    losses = make_loss(noise=NOISE)(
        student, pairs, make_image_targets(phrases, []), phrases, self_teacher
    )
    assert all(torch.isfinite(v) for v in losses.values())
    assert losses['loss_mil'] > 0
