"""Registries of clhoi_mm, each a child of mmdet's.

mmdet's classes default to unprefixed types (``dict(type='BCELoss')``); with
mmdet as the parent they build under the scope ``clhoi_mm`` as well. mmengine
imports this module by itself once ``default_scope='clhoi_mm'`` is set, and
``locations`` name what to import before the first look-up.
"""

import io
from contextlib import redirect_stdout
from importlib import import_module

from mmdet import registry as mmdet_registry
from mmengine.registry import Registry


def _import_quietly(*modules: str) -> None:
    """Import modules without what they print, which does not matter here.

    OneDL's mmdet and mmpretrain print at import that data sets of a service
    that is not installed are left out, at a debug level that mmengine takes
    no notice of.
    """
    with redirect_stdout(io.StringIO()) as printed:
        for module in modules:
            try:
                import_module(module)
            except ImportError:
                pass  # its first use says so
    for line in printed.getvalue().splitlines():
        if not line.startswith('Could not import OneDL'):
            print(line)


_import_quietly('mmdet.datasets', 'mmpretrain.datasets')


def _child(name: str, *modules: str) -> Registry:
    parent = getattr(mmdet_registry, name)
    # A look-up goes on in the parent without importing what the parent would
    # have imported, so its locations are repeated here.
    return Registry(
        parent.name,
        parent=parent,
        scope='clhoi_mm',
        locations=[
            *parent._locations,
            *(f'clhoi_mm.{module}' for module in modules),
        ],
    )


MODELS = _child('MODELS', 'models')
TASK_UTILS = _child('TASK_UTILS', 'models')
DATASETS = _child(
    'DATASETS',
    'datasets.hoi_dataset',
    'datasets.hico_det',
    'datasets.v_coco',
    'datasets.packed_hoi_dataset',
    'datasets.unlabeled_hoi_dataset',
    'datasets.wrappers',
)
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets.array_sampler')
HOOKS = _child('HOOKS', 'engine')
RUNNERS = _child('RUNNERS', 'engine')
LOOPS = _child('LOOPS', 'engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS', 'engine')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS', 'engine')
METRICS = _child('METRICS', 'evaluation.metrics')
VISUALIZERS = _child('VISUALIZERS', 'visualization.hoi_local_visualizer')
VISBACKENDS = _child('VISBACKENDS')
# Nothing of our own is in these; without them mmengine warns that it has to
# fall back to its own.
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS')
OPTIMIZERS = _child('OPTIMIZERS')
EVALUATOR = _child('EVALUATOR')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
