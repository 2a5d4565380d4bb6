"""Random generators seeded for a while."""
import random
from contextlib import contextmanager
from typing import Iterator

import numpy as np
import torch


@contextmanager
def seeded(*entropy: int) -> Iterator[None]:
    """Seeds Python's, NumPy's and torch's CPU generators inside the block.

    Their states are restored afterwards. Accelerators' generators are left
    alone.

    Args:
        entropy (int): Non-negative numbers that determine what is drawn.
    """
    states = (random.getstate(), np.random.get_state(), torch.get_rng_state())
    seeds = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.seed(seeds[1])
    torch.default_generator.manual_seed(int(seeds[2]))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
