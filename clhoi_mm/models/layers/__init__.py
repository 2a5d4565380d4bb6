from .average_pool import average_pool
from .context_cross_attention import ContextCrossAttention
from .interactiveness import Interactiveness
from .pair_attention import PairAttention
from .pair_decoder_layer import PairDecoderLayer
from .pair_encoder import PairEncoder, PairFeatures
from .pair_geometry import NUM_PAIR_GEOMETRY, pair_geometry
from .query_decoder_layer import QueryDecoderLayer
from .roi_features import (
    RoIFeatureStore,
    extract_roi_feats,
    pool_roi_feats,
)
from .sine_encoding import sine_encoding
from .traceable_roi_extractor import TraceableRoIExtractor

__all__ = [
    'ContextCrossAttention',
    'PairDecoderLayer',
    'Interactiveness',
    'NUM_PAIR_GEOMETRY',
    'PairAttention',
    'PairEncoder',
    'PairFeatures',
    'QueryDecoderLayer',
    'RoIFeatureStore',
    'TraceableRoIExtractor',
    'average_pool',
    'extract_roi_feats',
    'pair_geometry',
    'pool_roi_feats',
    'sine_encoding',
]
