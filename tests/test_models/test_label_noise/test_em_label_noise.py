import math

import pytest
import torch
import torch.nn.functional as F

from clhoi_mm.models.label_noise import EMLabelNoise
from clhoi_mm.registry import MODELS
from tests.test_models.utils import (
    BIKE,
    DOG,
    FEED,
    HOLD_BIKE,
    HOLD_DOG,
    HUG,
    HUG_DOG,
    NO_BIKE,
    NO_DOG,
    PARK,
    RIDE,
    VOCABULARY,
)

CLASSES = VOCABULARY.num_hois


def make_noise(**options) -> EMLabelNoise:
    cfg = dict(
        type='EMLabelNoise',
        vocabulary=PARK,
        warmup=0,
        recall_prior=(6.0, 4.0),
        confusion_prior=(0.5, 4.5),
        false_positive_prior=(0.2, 4.8),
    )
    return MODELS.build(cfg | options)


def make_scores(*rows) -> torch.Tensor:
    """Build scores (B, C) from (HOI class, score) rows."""
    said = torch.zeros(len(rows), CLASSES)
    for i, row in enumerate(rows):
        for hoi, score in row:
            said[i, hoi] = score
    return said


def confident_log_probs(*rows) -> torch.Tensor:
    """Return negative-bag log-probabilities of a confident student."""
    yes = torch.full((len(rows), CLASSES), 1e-3)
    for i, row in enumerate(rows):
        yes[i, list(row)] = 0.999
    return torch.log1p(-yes)


EVERYWHERE = torch.ones(1, CLASSES, dtype=torch.bool)


def test_starts_from_its_priors():
    noise = make_noise(recall_prior=(3.0, 1.0), confusion_prior=(1.0, 9.0))
    transition_matrix = noise.transition_matrix()
    assert transition_matrix[RIDE, RIDE] == pytest.approx(0.75)
    assert transition_matrix[RIDE, HOLD_BIKE] == pytest.approx(0.1)
    assert transition_matrix[RIDE, FEED] == 0
    assert noise.transition_probs()[1][RIDE] == pytest.approx(0.2 / 5)


def test_no_interaction_is_never_labeled():
    transition_matrix = make_noise().transition_matrix()
    assert not transition_matrix[[NO_BIKE, NO_DOG]].any()
    assert not transition_matrix[:, [NO_BIKE, NO_DOG]].any()


def test_counts_with_a_confident_student():
    """Three images of riding, one labeled holding, one without interaction."""
    noise = make_noise(momentum=0.5)
    noise.update(
        confident_log_probs([RIDE], [RIDE], [RIDE], []),
        make_scores([(RIDE, 0.5)], [(RIDE, 0.5)], [(HOLD_BIKE, 0.5)], []),
        EVERYWHERE.expand(4, -1),
    )
    transition_matrix, chance = (
        noise.transition_matrix(),
        noise.transition_probs()[1],
    )
    assert transition_matrix[RIDE, RIDE] == pytest.approx(
        (6 + 2) / (10 + 3), abs=1e-3
    )
    assert transition_matrix[RIDE, HOLD_BIKE] == pytest.approx(
        (0.5 + 1) / (5 + 3), abs=1e-3
    )
    assert chance[RIDE] == pytest.approx(0.2 / (5 + 1), abs=1e-3)
    # Images that use the object give no false-positive counts.
    assert chance[FEED] == pytest.approx(0.2 / (5 + 4), abs=1e-3)
    noise.update(
        confident_log_probs([]),
        make_scores([]),
        torch.zeros(1, CLASSES, dtype=torch.bool),
    )
    assert noise.transition_counts[0].sum() == pytest.approx(1.5, abs=1e-2)


@pytest.mark.parametrize(
    'possible',
    [
        torch.zeros(2, CLASSES, dtype=torch.bool),
        torch.zeros(0, CLASSES, dtype=torch.bool),
    ],
)
def test_masked_classes_are_not_counted(possible):
    noise = make_noise()
    rows = [()] * len(possible)
    said = make_scores(*rows) + 0.9
    used = noise.update(confident_log_probs(*rows), said, possible)
    assert used.shape == (len(possible), len(VOCABULARY.objects))
    assert not used.any()
    for counts in (
        noise.transition_counts,
        noise.false_positive_counts,
        noise.scores,
    ):
        assert not counts.any()


def test_finds_a_systematic_confusion_without_labels():
    """Feeding is called hugging more often than feeding.

    The student separates the three verbs, but has taken their names from the
    labels: for feeding, it predicts hugging first.
    """
    generator = torch.Generator().manual_seed(0)
    truth = torch.tensor(
        [[0.6, 0.1, 0.8], [0.05, 0.6, 0.05], [0.05, 0.1, 0.6]]
    )
    names = [FEED, HOLD_DOG, HUG_DOG]
    noise = make_noise(
        recall_prior=(60.0, 40.0), false_positive_prior=(10.0, 490.0)
    )
    for _ in range(300):
        done = torch.randint(6, (16,), generator=generator)
        idle = done > 2
        transition_probs = truth[done.clamp(max=2)] * ~idle[:, None]
        words = (
            torch.rand(16, 3, generator=generator) < transition_probs + 0.02
        )
        right = F.one_hot(done.clamp(max=2), 3).bool() & ~idle[:, None]
        said = torch.zeros(16, CLASSES)
        said[:, names] = words * torch.where(right, 0.75, 0.5)
        yes = torch.full((16, CLASSES), 1e-3)
        yes[:, names] = transition_probs * 0.9 + 1e-3
        noise.update(torch.log1p(-yes), said, EVERYWHERE.expand(16, -1))
    found = noise.transition_matrix()[names][:, names]
    other = ~torch.eye(3, dtype=torch.bool)
    assert (found - truth)[other].abs().mean() < 0.08
    assert found[0, 2] > 0.7
    other[0, 2] = False
    assert found[other].max() < 0.25


def test_likelihood_of_two_verbs_of_a_bicycle():
    noise = make_noise(
        recall_prior=(6.0, 4.0),
        confusion_prior=(1.0, 4.0),
        false_positive_prior=(1.0, 19.0),
    )
    noise.scores.copy_(torch.tensor([6.0, 10.0]))
    ride, hold = 0.7, 0.2
    none = torch.zeros(1, CLASSES)
    none[0, RIDE], none[0, HOLD_BIKE] = math.log(1 - ride), math.log(1 - hold)
    loss = noise.nll(none, make_scores([(RIDE, 0.8)]))[0]
    ratio = (0.8 / 0.2) / (0.6 / 0.4)
    by_other = 1 - (1 - 0.05) * (1 - 0.2 * hold)
    said = 0.6 * ride * ratio + (1 - 0.6 * ride) * by_other
    assert loss[RIDE] == pytest.approx(-math.log(said), rel=1e-5)
    unsaid = (1 - 0.6 * hold) * (1 - 0.05) * (1 - 0.2 * ride)
    assert loss[HOLD_BIKE] == pytest.approx(-math.log(unsaid), rel=1e-5)


def test_known_confusion_raises_the_true_verb():
    """A known confusion makes hugging evidence for feeding."""
    noise = make_noise()
    link = (noise.source == FEED) & (noise.label == HUG_DOG)
    noise.transition_counts[link] = torch.tensor([90.0, 10.0])
    logits = torch.zeros(1, CLASSES, requires_grad=True)
    log_prob_negative_bag = F.logsigmoid(-logits)
    noise.nll(
        log_prob_negative_bag, make_scores([(HUG_DOG, 0.4), (FEED, 0.9)])
    ).sum().backward()
    assert logits.grad[0, FEED] < 0
    plain = make_noise()
    other = torch.zeros(1, CLASSES, requires_grad=True)
    plain.nll(
        F.logsigmoid(-other), make_scores([(HUG_DOG, 0.4), (FEED, 0.9)])
    ).sum().backward()
    assert other.grad[0, HUG_DOG] < logits.grad[0, HUG_DOG]


@pytest.mark.parametrize('logit', [-60.0, 0.0, 60.0])
@pytest.mark.parametrize('score', [0.0, 1e-6, 0.5, 1.0])
def test_finite_with_saturated_logits(logit, score):
    noise = make_noise()
    logits = torch.full((2, CLASSES), logit, requires_grad=True)
    log_prob_negative_bag = F.logsigmoid(-logits)
    said = torch.full((2, CLASSES), score)
    used = noise.update(
        log_prob_negative_bag.detach(), said, EVERYWHERE.expand(2, -1)
    )
    noise.nll(log_prob_negative_bag, said).sum().backward()
    assert used.isfinite().all() and logits.grad.isfinite().all()
    assert all(x.isfinite().all() for x in noise.state_dict().values())


def test_labeled_objects_count_as_used():
    used = make_noise().update(
        confident_log_probs([RIDE], []),
        make_scores([(RIDE, 0.9)], []),
        EVERYWHERE.expand(2, -1),
    )
    assert (
        used[0, BIKE] > 0.99 and used[0, DOG] < 0.01 and used[1].max() < 0.01
    )


def test_warmup_ends_and_survives_resuming():
    noise = make_noise(warmup=1)
    batch = confident_log_probs([HUG]), make_scores([(HUG, 0.9)]), EVERYWHERE
    noise.update(*batch)
    assert not noise.is_warmed_up
    noise.update(*batch)
    assert noise.is_warmed_up
    other = make_noise(warmup=1)
    other.load_state_dict(noise.state_dict())
    assert other.is_warmed_up
    torch.testing.assert_close(
        other.transition_matrix(), noise.transition_matrix()
    )


def test_untrainable_classes_are_no_evidence():
    """Equals a vocabulary without these classes."""
    kept = [c for c in range(CLASSES) if c not in (HOLD_BIKE, HUG_DOG)]
    fewer = make_noise(
        vocabulary=PARK | dict(hois=[PARK['hois'][c] for c in kept])
    )
    noise = make_noise()
    possible = torch.ones(2, CLASSES, dtype=torch.bool)
    possible[:, [HOLD_BIKE, HUG_DOG]] = False
    log_prob_negative_bag = confident_log_probs([RIDE], [FEED]).masked_fill(
        ~possible, 0.0
    )
    said = make_scores([(RIDE, 0.5)], [(HOLD_DOG, 0.5)])
    for _ in range(3):
        used = noise.update(log_prob_negative_bag, said, possible)
        expected = fewer.update(
            log_prob_negative_bag[:, kept], said[:, kept], possible[:, kept]
        )
        torch.testing.assert_close(used, expected)
    torch.testing.assert_close(
        noise.transition_matrix()[kept][:, kept], fewer.transition_matrix()
    )
    torch.testing.assert_close(
        noise.nll(log_prob_negative_bag, said)[:, kept],
        fewer.nll(log_prob_negative_bag[:, kept], said[:, kept]),
    )
