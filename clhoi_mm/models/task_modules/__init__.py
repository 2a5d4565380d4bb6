from .pair_batch import PairBatch
from .pairing import HumanObjectPairing

__all__ = ['PairBatch', 'HumanObjectPairing']
