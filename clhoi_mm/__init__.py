"""Label-free human-object interaction detection on MMDetection 3.x.

This module imports neither torch nor any mm* package: vocabulary, teacher and
the evaluation's core work without them.
"""

import importlib.util
import sys
import warnings

from .ops import finder  # for a Python that was running at installation
from .version import __version__

__all__ = ['__version__']

finder.register()


class _SaysWhatIsMissing:
    """Import hook: one sentence instead of a traceback from deep inside."""

    trainers = (
        'registry',
        'structures',
        'datasets.array_sampler',
        'datasets.hoi_dataset',
        'datasets.hico_det',
        'datasets.v_coco',
        'datasets.packed_hoi_dataset',
        'datasets.unlabeled_hoi_dataset',
        'datasets.transforms',
        'datasets.wrappers',
        'models',
        'engine',
        'evaluation.metrics',
        'visualization.hoi_local_visualizer',
        'apis',
    )

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def find_spec(self, name: str, path=None, target=None) -> None:
        if name in [f'clhoi_mm.{part}' for part in self.trainers]:
            raise ImportError(self.sentence, name=name) from None


_missing = [
    name
    for name in ('torch', 'mmengine', 'mmcv', 'mmdet')
    if importlib.util.find_spec(name) is None
]
if _missing:
    _hook = _SaysWhatIsMissing(
        f'clhoi_mm trains and tests with {", ".join(_missing)}, not found in '
        'this Python: run "make setup" in the project\'s folder, or see what '
        '"python -m clhoi_mm.check_env" advises (vocabulary, annotations and '
        'teacher work without).'
    )
    sys.meta_path.insert(0, _hook)
    warnings.warn(_hook.sentence, stacklevel=2)
