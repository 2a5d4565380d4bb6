"""Data sets, their transforms and the generated mini world.

Classes are imported lazily, so that ``mini`` needs neither torch nor mmdet.
"""

from importlib import import_module
from typing import Any

_MODULES = {
    'ArraySampler': 'array_sampler',
    'DetectionFile': 'detection_file',
    'DetectionFileWriter': 'detection_file_writer',
    'HICODetDataset': 'hico_det',
    'HOIDataset': 'hoi_dataset',
    'PackedHOIDataset': 'packed_hoi_dataset',
    'UnlabeledHOIDataset': 'unlabeled_hoi_dataset',
    'VCOCODataset': 'v_coco',
    'ClassBalancedDataset': 'wrappers',
    'RepeatDataset': 'wrappers',
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'.{_MODULES[name]}', __name__), name)
