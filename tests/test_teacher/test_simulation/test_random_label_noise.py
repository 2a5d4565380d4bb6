import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.simulation.random_label_noise import RandomLabelNoise
from clhoi_mm.vocabulary import HOIVocabulary


def literal(true, valid, precision, recall, seed, confuse):
    """Compute the same draws over dense (N, O, V) arrays."""
    rng = np.random.default_rng(seed)
    said = true & (rng.random(true.shape) < recall)
    missing = int(said.sum() * (1 - precision) / precision)
    free = true.any(2, keepdims=True) & valid & ~true
    if confuse:
        taken_for = {}
        for obj, verb in np.argwhere(valid):
            others = [v for v in np.flatnonzero(valid[obj]) if v != verb]
            if others:
                taken_for[obj, verb] = rng.choice(others)
        errors = [
            (n, o, taken_for[o, v])
            for n, o, v in np.argwhere(true)
            if (o, v) in taken_for and free[n, o, taken_for[o, v]]
        ]
        for k in rng.permutation(len(errors))[: missing // 2]:
            said[errors[k]] = True
        missing -= min(len(errors), missing // 2)
        free &= ~said
    errors = np.argwhere(free)
    for k in rng.permutation(len(errors))[:missing]:
        said[tuple(errors[k])] = True
    return said


def draw_labels(noise, true, valid):
    words = noise.apply(*np.nonzero(true), len(true), valid)
    said = np.zeros_like(true)
    said[words] = True
    assert said.sum() == len(words[0])  # No duplicates.
    return said


@given(
    seed=st.integers(0, 99),
    share=st.sampled_from([0.0, 0.05, 0.3]),
    precision=st.sampled_from([0.2, 0.55, 1.0]),
    recall=st.sampled_from([0.1, 0.6, 1.0]),
    confuse=st.booleans(),
)
def test_draws_equal_the_dense_implementation(
    seed, share, precision, recall, confuse
):
    rng = np.random.default_rng(1000 + seed)
    valid = rng.random((4, 5)) < 0.7
    true = valid & (rng.random((300, 4, 5)) < share)
    noise = RandomLabelNoise(precision, recall, seed, confuse)
    np.testing.assert_array_equal(
        draw_labels(noise, true, valid),
        literal(true, valid, precision, recall, seed, confuse),
    )


def world(num_images=4000):
    valid = HOIVocabulary.load('hico_det').valid.T[:6]
    true = np.zeros((num_images, *valid.shape), bool)
    rng = np.random.default_rng(0)
    classes = np.argwhere(valid)
    for row in true:
        row[tuple(classes[rng.integers(0, 40, 3)].T)] = True
    return true, valid


def test_precision_recall_and_error_locations():
    true, valid = world()
    said = draw_labels(RandomLabelNoise(0.55, 0.6, seed=1), true, valid)
    right = (said & true).sum()
    assert right / said.sum() == pytest.approx(0.55, abs=0.01)
    assert right / true.sum() == pytest.approx(0.6, abs=0.01)
    assert not (said & ~valid).any()
    # A wrong verb's object has a true label.
    assert not (said & ~true.any(2, keepdims=True)).any()


def test_systematic_share_of_errors():
    true, valid = world()
    shares = []
    for confuse in (True, False):
        wrong = (
            draw_labels(RandomLabelNoise(0.5, 0.6, 1, confuse), true, valid)
            & ~true
        )
        # The most frequent false verb among a verb's confusions.
        obj = np.flatnonzero(true.any((0, 2)))[0]
        verb = true[:, obj].sum(0).argmax()
        counts = np.sort(wrong[true[:, obj, verb], obj].sum(0))[::-1]
        shares.append(counts[0] / counts.sum())
    assert shares[0] > 2 * shares[1]


def test_seeds_and_errors():
    true, valid = world(300)
    one, two = (
        draw_labels(RandomLabelNoise(0.5, 0.6, seed), true, valid)
        for seed in (1, 2)
    )
    assert (one != two).any()
    np.testing.assert_array_equal(
        one, draw_labels(RandomLabelNoise(0.5, 0.6, 1), true, valid)
    )
    for bad in (0, 1.5, -0.1):
        with pytest.raises(ValueError, match='precision=.* must lie in'):
            RandomLabelNoise(bad, 0.5)
        with pytest.raises(ValueError, match='recall=.* must lie in'):
            RandomLabelNoise(0.5, bad)


def test_no_images_and_no_labels():
    valid = np.ones((2, 3), bool)
    for shape in ((0, 2, 3), (5, 2, 3)):
        assert not draw_labels(
            RandomLabelNoise(0.5, 0.5), np.zeros(shape, bool), valid
        ).any()
