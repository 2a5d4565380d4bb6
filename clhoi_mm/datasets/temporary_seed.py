"""Random generators seeded for a while."""

import random
from contextlib import contextmanager
from typing import Iterator

import numpy as np
import torch

# NumPy's generators, one for each block that is open at a time: to exchange
# them is thirty times as fast as to copy their states.
_spare: list[np.random.MT19937] = []


@contextmanager
def temporary_seed(*entropy: int) -> Iterator[None]:
    """Seeds Python's, NumPy's and torch's CPU generators inside the block.

    They go on afterwards as if nothing had been, but that NumPy forgets the
    spare number of an odd count of normal ones. Accelerators' generators are
    left alone.

    Args:
        entropy (int): Non-negative numbers that determine what is drawn.
    """
    states = random.getstate(), torch.get_rng_state()
    usual = np.random.get_bit_generator()
    own = _spare.pop() if _spare else np.random.MT19937()
    seeds = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.set_bit_generator(own)
    np.random.seed(seeds[1])
    torch.default_generator.manual_seed(int(seeds[2]))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_bit_generator(usual)
        torch.set_rng_state(states[1])
        _spare.append(own)
