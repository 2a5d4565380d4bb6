from .pair_batch import PairBatch
from .pairing import HumanObjectPairing
from .torchvision_anchor_generator import TorchvisionAnchorGenerator

__all__ = ['PairBatch', 'HumanObjectPairing', 'TorchvisionAnchorGenerator']
