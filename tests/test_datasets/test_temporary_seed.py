import random

import numpy as np
import pytest
import torch

from clhoi_mm.datasets.temporary_seed import temporary_seed


def draw() -> list[float]:
    return [
        random.random(),
        np.random.rand(),
        *np.random.randn(3),
        torch.rand(()).item(),
    ]


@pytest.fixture(autouse=True)
def start():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def test_draws_depend_on_the_seed_only():
    with temporary_seed(1, 2):
        first = draw()
    with temporary_seed(1, 2):
        again = draw()
    with temporary_seed(2, 1):
        other = draw()
    assert first == again
    assert not set(first) & set(other)


def test_outer_random_states_are_restored():
    before = random.random(), np.random.rand(), torch.rand(())
    after = random.random(), np.random.rand(), torch.rand(())
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    assert before == (random.random(), np.random.rand(), torch.rand(()))
    with pytest.raises(KeyError), temporary_seed(3):
        draw()
        raise KeyError
    assert after == (random.random(), np.random.rand(), torch.rand(()))


def test_nested_blocks():
    with temporary_seed(1):
        draw()
        plain = np.random.rand()
    with temporary_seed(1):
        draw()
        # The cached spare normal is used up before another block begins.
        with temporary_seed(2):
            inner = draw()
        assert np.random.rand() == plain
    with temporary_seed(2):
        assert draw() == inner
