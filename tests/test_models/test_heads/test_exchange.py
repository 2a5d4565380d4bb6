"""Two students' views of the same pairs, taken together."""

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
# Two people at a bicycle, and one of each at a dog in the second image.
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
    """The two pairs with the bicycle."""
    return (pairs.object_labels == BIKE).nonzero().flatten()


def view(pairs, phrases, probabilities, by_class=True, classes=0.5):
    """A student that gives each pair a probability of interacting."""
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


def spread(pairs, first, second, dog, rest=0.1):
    """Probabilities of the pairs with the bicycle, the dog, and others."""
    values = torch.full((len(pairs),), rest)
    values[at_bikes(pairs)] = torch.tensor([first, second])
    values[pairs.object_labels == DOG] = dog
    return values.tolist()


@pytest.mark.parametrize('by_class', [True, False])
def test_a_score_is_the_product_of_both_parts(phrases, by_class):
    pairs = make_pairs(ROWS)
    who = view(pairs, phrases, spread(pairs, 0.8, 0.2, 0.4), by_class)
    what = view(pairs, phrases, spread(pairs, 0.1, 0.1, 0.1), classes=0.25)
    found = exchange(who.interactiveness, what, phrases)
    scores = found.logits.sigmoid()
    first, second = at_bikes(pairs)
    assert scores[first, RIDE].item() == pytest.approx(0.8 * 0.25)
    assert scores[second, RIDE].item() == pytest.approx(0.2 * 0.25)
    # Nothing is done as probably as the likeliest thing is not.
    assert scores[first, NO_BIKE].item() == pytest.approx(1 - 0.8 * 0.25)
    assert found.interactiveness is who.interactiveness
    assert found.class_logits is what.class_logits


@pytest.mark.parametrize('by_class', [True, False])
def test_the_best_is_as_sure_as_one_and_beside_it_as_the_other(
    phrases, by_class
):
    pairs = make_pairs(ROWS)
    strength = view(pairs, phrases, spread(pairs, 0.6, 0.3, 0.5), by_class)
    choice = view(pairs, phrases, spread(pairs, 0.02, 0.08, 0.9), by_class)
    found = choose_within(strength, choice, pairs).sigmoid()
    first, second = at_bikes(pairs)
    for hoi in (RIDE, HOLD_BIKE):
        assert found[second, hoi].item() == pytest.approx(0.6)
        assert found[first, hoi].item() == pytest.approx(0.6 / 4)
    # Alone in its bag, a pair is as sure as the first says.
    dog = (pairs.object_labels == DOG).nonzero().item()
    assert found[dog, FEED].item() == pytest.approx(0.5)


def test_with_oneself_nothing_changes(phrases):
    pairs = make_pairs(ROWS)
    student = view(pairs, phrases, spread(pairs, 0.6, 0.3, 0.5))
    found = choose_within(student, student, pairs)
    torch.testing.assert_close(
        found[student.valid], student.interactiveness[student.valid]
    )


@pytest.mark.parametrize('rows', [[[]], [[(PERSON, 1.0, BOX)], []]])
def test_without_pairs(phrases, rows):
    pairs = make_pairs(rows)
    student = view(pairs, phrases, [])
    logits = choose_within(student, student, pairs)
    assert logits.shape == student.valid.shape == (0, len(phrases.hoi_verbs))
    assert exchange(logits, student, phrases).logits.shape == logits.shape


def test_a_sure_choice_of_an_unsure_student(phrases):
    """Probabilities near 0 are compared all the same."""
    pairs = make_pairs(ROWS)
    strength = view(pairs, phrases, spread(pairs, 0.6, 0.3, 0.5))
    choice = view(pairs, phrases, spread(pairs, 1e-20, 4e-20, 0.9))
    found = choose_within(strength, choice, pairs).sigmoid()
    first, second = at_bikes(pairs)
    assert found[second, RIDE].item() == pytest.approx(0.6, rel=1e-4)
    assert found[first, RIDE].item() == pytest.approx(0.15, rel=1e-4)
