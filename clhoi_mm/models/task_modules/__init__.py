from .pair_batch import PairBatch
from .pair_grid import PairGrid
from .pairing import HumanObjectPairing
from .platt_scaling import PlattScaling
from .torchvision_anchor_generator import TorchvisionAnchorGenerator

__all__ = [
    'HumanObjectPairing',
    'PairBatch',
    'PairGrid',
    'PlattScaling',
    'TorchvisionAnchorGenerator',
]
