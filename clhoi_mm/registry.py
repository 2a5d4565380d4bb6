"""Registries of clhoi_mm, each a child of mmdet's.

mmdet's classes default to unprefixed types (``dict(type='BCELoss')``); with
mmdet as the parent they build under the scope ``clhoi_mm`` as well. mmengine
imports this module by itself once ``default_scope='clhoi_mm'`` is set, and
``locations`` name what to import before the first look-up.
"""
try:
    from mmdet.registry import DATA_SAMPLERS as MMDET_DATA_SAMPLERS
    from mmdet.registry import DATASETS as MMDET_DATASETS
    from mmdet.registry import HOOKS as MMDET_HOOKS
    from mmdet.registry import METRICS as MMDET_METRICS
    from mmdet.registry import MODELS as MMDET_MODELS
    from mmdet.registry import RUNNERS as MMDET_RUNNERS
    from mmdet.registry import TASK_UTILS as MMDET_TASK_UTILS
    from mmdet.registry import TRANSFORMS as MMDET_TRANSFORMS
    from mmdet.registry import VISUALIZERS as MMDET_VISUALIZERS
    from mmengine.registry import Registry
except ModuleNotFoundError as error:
    from clhoi_mm import explain_missing
    raise ImportError(
        explain_missing('torch', 'mmengine', 'mmcv', 'mmdet')
        or str(error)) from None


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(
        parent.name,
        parent=parent,
        scope='clhoi_mm',
        locations=[f'clhoi_mm.{location}' for location in locations])


MODELS = _child(MMDET_MODELS, 'models')
TASK_UTILS = _child(MMDET_TASK_UTILS, 'models')
DATASETS = _child(MMDET_DATASETS, 'datasets')
TRANSFORMS = _child(MMDET_TRANSFORMS, 'datasets.transforms')
DATA_SAMPLERS = _child(MMDET_DATA_SAMPLERS, 'datasets')
HOOKS = _child(MMDET_HOOKS, 'engine')
RUNNERS = _child(MMDET_RUNNERS, 'engine')
METRICS = _child(MMDET_METRICS, 'evaluation.metrics')
VISUALIZERS = _child(MMDET_VISUALIZERS, 'visualization')
