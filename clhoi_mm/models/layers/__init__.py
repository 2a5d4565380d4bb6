from .context_listener import ContextListener
from .icn_layer import ICNLayer
from .interactiveness import Interactiveness
from .pair_attention import PairAttention
from .pair_encoder import PairEncoder, PairEvidence
from .pair_geometry import NUM_PAIR_GEOMETRY, pair_geometry
from .reader_layer import ReaderLayer
from .traceable_roi_extractor import TraceableRoIExtractor

__all__ = [
    'ContextListener',
    'ICNLayer',
    'Interactiveness',
    'NUM_PAIR_GEOMETRY',
    'PairAttention',
    'PairEncoder',
    'PairEvidence',
    'ReaderLayer',
    'TraceableRoIExtractor',
    'pair_geometry',
]
