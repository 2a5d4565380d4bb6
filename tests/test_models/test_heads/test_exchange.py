"""Combination of two students' predictions for the same pairs."""

import pytest
import torch

from clhoi_mm.models import PhraseClassifier
from clhoi_mm.models.heads import PairPredictions, choose_within, exchange
from tests.test_models.utils import (
    BIKE,
    DOG,
    ENCODER,
    FEED,
    HOLD_BIKE,
    NO_BIKE,
    PARK,
    PERSON,
    RIDE,
    TEXT_DIM,
    make_pairs,
)

BOX = (0, 0, 10, 10)
# Two persons at a bicycle; a person with a dog in the second image.
ROWS = [
    [(PERSON, 1.0, BOX), (PERSON, 1.0, BOX), (BIKE, 1.0, BOX)],
    [(PERSON, 1.0, BOX), (DOG, 1.0, BOX)],
]


@pytest.fixture(scope='module')
def phrases():
    table = PhraseClassifier(PARK, ENCODER, TEXT_DIM)
    table.encode_phrases()
    return table.eval()


def at_bikes(pairs):
    """Return the two pairs with the bicycle."""
    return (pairs.object_labels == BIKE).nonzero().flatten()


def make_predictions(
    pairs, phrases, probabilities, by_class=True, classes=0.5
):
    """Build a student's predictions from interactiveness probabilities."""
    valid = phrases.hoi_objects[None] == pairs.object_labels[:, None]
    shape = valid.shape if by_class else (len(pairs), 1)
    interactiveness = (
        torch.logit(torch.tensor(probabilities)).reshape(-1, 1).expand(shape)
    )
    return PairPredictions(
        embeds=torch.zeros(len(pairs), TEXT_DIM),
        logits=torch.zeros(valid.shape),
        valid=valid,
        interactiveness=interactiveness,
        class_logits=torch.full(valid.shape, classes).logit(),
    )


def fill_probabilities(pairs, first, second, dog, rest=0.1):
    """Fill probabilities of bicycle pairs, dog pair and others."""
    values = torch.full((len(pairs),), rest)
    values[at_bikes(pairs)] = torch.tensor([first, second])
    values[pairs.object_labels == DOG] = dog
    return values.tolist()


@pytest.mark.parametrize('by_class', [True, False])
def test_score_is_interactiveness_times_classification(phrases, by_class):
    pairs = make_pairs(ROWS)
    who = make_predictions(
        pairs, phrases, fill_probabilities(pairs, 0.8, 0.2, 0.4), by_class
    )
    what = make_predictions(
        pairs, phrases, fill_probabilities(pairs, 0.1, 0.1, 0.1), classes=0.25
    )
    found = exchange(who.interactiveness, what, phrases)
    scores = found.logits.sigmoid()
    first, second = at_bikes(pairs)
    assert scores[first, RIDE].item() == pytest.approx(0.8 * 0.25)
    assert scores[second, RIDE].item() == pytest.approx(0.2 * 0.25)
    # The no_interaction score is one minus the best verb's score.
    assert scores[first, NO_BIKE].item() == pytest.approx(1 - 0.8 * 0.25)
    assert found.interactiveness is who.interactiveness
    assert found.class_logits is what.class_logits


@pytest.mark.parametrize('by_class', [True, False])
def test_bag_maximum_from_one_student_ratios_from_the_other(phrases, by_class):
    pairs = make_pairs(ROWS)
    strength = make_predictions(
        pairs, phrases, fill_probabilities(pairs, 0.6, 0.3, 0.5), by_class
    )
    choice = make_predictions(
        pairs, phrases, fill_probabilities(pairs, 0.02, 0.08, 0.9), by_class
    )
    found = choose_within(strength, choice, pairs).sigmoid()
    first, second = at_bikes(pairs)
    for hoi in (RIDE, HOLD_BIKE):
        assert found[second, hoi].item() == pytest.approx(0.6)
        assert found[first, hoi].item() == pytest.approx(0.6 / 4)
    # A pair alone in its bag keeps the first student's probability.
    dog = (pairs.object_labels == DOG).nonzero().item()
    assert found[dog, FEED].item() == pytest.approx(0.5)


def test_student_combined_with_itself_is_unchanged(phrases):
    pairs = make_pairs(ROWS)
    student = make_predictions(
        pairs, phrases, fill_probabilities(pairs, 0.6, 0.3, 0.5)
    )
    found = choose_within(student, student, pairs)
    torch.testing.assert_close(
        found[student.valid], student.interactiveness[student.valid]
    )


@pytest.mark.parametrize('rows', [[[]], [[(PERSON, 1.0, BOX)], []]])
def test_without_pairs(phrases, rows):
    pairs = make_pairs(rows)
    student = make_predictions(pairs, phrases, [])
    logits = choose_within(student, student, pairs)
    assert logits.shape == student.valid.shape == (0, len(phrases.hoi_verbs))
    assert exchange(logits, student, phrases).logits.shape == logits.shape


def test_ratios_of_tiny_probabilities(phrases):
    """Probabilities near 0 are compared without underflow."""
    pairs = make_pairs(ROWS)
    strength = make_predictions(
        pairs, phrases, fill_probabilities(pairs, 0.6, 0.3, 0.5)
    )
    choice = make_predictions(
        pairs, phrases, fill_probabilities(pairs, 1e-20, 4e-20, 0.9)
    )
    found = choose_within(strength, choice, pairs).sigmoid()
    first, second = at_bikes(pairs)
    assert found[second, RIDE].item() == pytest.approx(0.6, rel=1e-4)
    assert found[first, RIDE].item() == pytest.approx(0.15, rel=1e-4)
