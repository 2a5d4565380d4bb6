"""Loading of models from configs or checkpoints."""

import json
import os
import os.path as osp
from importlib.util import find_spec
from typing import Any, Iterator, List, Optional, Tuple, Union

import yaml
from mmengine.config import Config, ConfigDict
from torch import nn

import clhoi_mm
from clhoi_mm.config_file import inner_configs, merge_options
from clhoi_mm.models import load_weights

# Packages whose classes a checkpoint's config may name.
_SCOPES = ('clhoi_mm', 'mmdet', 'mmpretrain', 'mmcv', 'mmengine')
# Parts that are not used when a model with an ICN predicts.
_TRAINING_ONLY = (
    'context_loss.',
    'context_scorer.',
    'interaction_loss.',
    'label_noise.',
    'pointing.',
)
# Transforms that read an image, of this package and mmcv.
_LOADERS = ('LoadImage', 'LoadImageFromFile')
_REFIT = (
    'Give the config that it was trained with, or none: checkpoints '
    'hold theirs. One of another version of clhoi_mm may not fit.'
)


def open_model(
    model: Union[str, os.PathLike, dict, Config, None],
    weights: Union[str, os.PathLike, None],
    cfg_options: Optional[dict] = None,
) -> Tuple[Config, dict]:
    """Load a model's config and its checkpoint.

    Args:
        model (str | PathLike | dict | Config, optional): A config, its path,
            or its name in the package's metafile. Defaults to None: the one
            in the checkpoint.
        weights (str | PathLike, optional): The checkpoint.
        cfg_options (dict, optional): Overrides entries of the config.

    Returns:
        Tuple[Config, dict]: The config, and the checkpoint with 'state_dict'.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        ValueError: If something is missing or not safe to load.
    """
    stated = None
    if isinstance(model, (str, os.PathLike)):
        model, stated = _named_config(os.fspath(model))
    weights = weights or stated
    if weights is None:
        raise ValueError(
            'no weights are given, and predictions would be random; '
            'give weights=PATH, a checkpoint that tools/train.py wrote'
        )
    if not osp.isfile(weights):
        raise FileNotFoundError(
            f'{weights}: no such checkpoint; tools/train.py writes them to '
            'work_dirs/NAME/epoch_N.pth'
        )
    checkpoint = load_weights(os.fspath(weights))
    if model is None:
        cfg = config_of(checkpoint, os.fspath(weights))
    else:
        cfg = (
            Config(model)
            if not isinstance(model, Config)
            else Config(model.to_dict(), filename=model.filename)
        )
    if cfg_options:
        merge_options(cfg, cfg_options)
    if 'model' not in cfg:
        raise ValueError(f'{cfg.filename or weights}: the config has no model')
    return cfg, checkpoint


def list_models() -> List[dict]:
    """List the models of the package's metafile, with existing paths."""
    package = osp.dirname(osp.abspath(clhoi_mm.__file__))
    roots = [osp.dirname(package), osp.join(package, '.mim')]
    root = next(
        (r for r in roots if osp.isfile(osp.join(r, 'metafile.yml'))), None
    )
    if root is None:
        return []
    with open(osp.join(root, 'metafile.yml'), encoding='utf-8') as file:
        models = yaml.safe_load(file)['Models']
    return [dict(m, Config=osp.join(root, m['Config'])) for m in models]


def _named_config(name: str) -> Tuple[Config, Optional[str]]:
    if osp.isfile(name):
        return Config.fromfile(name), None
    models = {m['Name'].lower(): m for m in list_models()}
    if name.lower() not in models:
        raise FileNotFoundError(
            f'{name}: neither the path of a config nor the name of one; '
            f'there are {", ".join(models)}'
        )
    entry = models[name.lower()]
    return Config.fromfile(entry['Config']), entry.get('Weights')


def config_of(checkpoint: dict, path: str) -> Config:
    """Read the config that a checkpoint contains as JSON.

    Args:
        checkpoint (dict): The checkpoint.
        path (str): Path of the checkpoint, for error messages.

    Returns:
        Config: A config of classes of OpenMMLab's packages only.

    Raises:
        ValueError: If there is none, it is code, or names other classes.
    """
    remedy = 'give model=CONFIG, the config that it was trained with'
    text = checkpoint.get('meta', {}).get('cfg')
    if not isinstance(text, str):
        raise ValueError(f'{path} holds no config; {remedy}')
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{path} holds its config as Python source, which is not run; '
            f'{remedy} (JsonConfigHook lets it travel as JSON)'
        ) from error
    parts = 'model', 'test_dataloader', 'visualizer'
    built = [content.get(part) for part in parts]
    for name in _types(built):
        if not _is_part(name):
            raise ValueError(
                f'the config in {path} names {name}, which '
                'is no part of a detector; if you trust it, '
                f'{remedy}'
            )
    return Config(content)


def _is_part(name: str) -> bool:
    """Test whether a name is a class of permitted packages."""
    # Registries import, and call, whatever a dotted name refers to.
    scope, _, class_name = name.rpartition('.')
    if scope:
        return scope.split('.')[0] in _SCOPES and class_name[:1].isupper()
    # Also modules with the name of an unknown class. Finding a module does
    # not import it.
    try:
        return find_spec(name) is None
    except (ValueError, ImportError):
        return False


def _types(value: Any) -> Iterator[str]:
    """Iterate over the names that a registry would build."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if key == 'type' and isinstance(entry, str):
                yield entry
            elif key == '_scope_' and isinstance(entry, str):
                # A scope, from which registries would be imported.
                yield f'{entry}.Registry'
            else:
                yield from _types(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _types(entry)


def as_test_pipeline(cfg: Config) -> List[dict]:
    """Select the test pipeline's steps that an image alone needs.

    Raises:
        ValueError: If the config has no test pipeline that loads images.
    """
    loader = cfg.get('test_dataloader') or {}
    # Concatenated test data sets have the same pipeline.
    dataset = next(inner_configs(loader.get('dataset', {})), {})
    steps = [
        dict(step)
        for step in dataset.get('pipeline', ())
        if 'Load' not in (name := _name(step))
        or name in (*_LOADERS, 'LoadDetectorFeatures')
    ]
    cfg_name = cfg.filename or 'the config'
    if steps and _name(steps[0]) == 'LoadDetectorFeatures':
        raise ValueError(
            f'{cfg_name}: its test pipeline takes features from a file, which '
            'has none of a new image; name a config of the same model whose '
            'test pipeline begins with LoadImage: --model CONFIG, or '
            'HOIInferencer(model=CONFIG)'
        )
    if not steps or _name(steps[0]) not in _LOADERS:
        raise ValueError(
            f'{cfg_name}: test_dataloader.dataset.'
            'pipeline must begin with LoadImage'
        )
    # JSON turns tuples into lists, which mmcv does not accept as sizes.
    return [
        {
            key: tuple(value)
            if isinstance(value, list)
            and value
            and all(isinstance(v, (int, float)) for v in value)
            else value
            for key, value in step.items()
        }
        for step in steps
    ]


def _name(step: dict) -> str:
    return str(step['type']).rsplit('.', 1)[-1]


def without_detector_file(model: ConfigDict, checkpoint: dict) -> ConfigDict:
    """Remove files from a config that its checkpoint makes superfluous."""
    model = ConfigDict(model.to_dict())
    detector = model.get('detector') or {}
    detector.pop('feat_cache_size', None)
    if any('detector.model.' in key for key in checkpoint['state_dict']):
        detector.pop('checkpoint', None)
    return model


def load_into(model: nn.Module, checkpoint: dict, source: str) -> None:
    """Load a checkpoint and refuse one of another model.

    Args:
        model (nn.Module): A CLHOI.
        checkpoint (dict): The checkpoint.
        source (str): Name of the checkpoint, for error messages.

    Raises:
        ValueError: If weights are missing or have another shape.
    """
    state = {
        key.removeprefix('module.'): value
        for key, value in checkpoint['state_dict'].items()
    }
    model_state = model.state_dict()
    optional = _TRAINING_ONLY if getattr(model, 'icn', None) else ()
    for key in list(state):
        if key.startswith(optional) and (
            key not in model_state
            or model_state[key].shape != state[key].shape
        ):
            del state[key]
    try:
        result = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[1:2]
        raise ValueError(
            f'{source} is no checkpoint of this config: '
            f'{" ".join(first).strip()} {_REFIT}'
        ) from error
    missing = [
        key for key in result.missing_keys if not key.startswith(optional)
    ]
    if missing:
        raise ValueError(
            f'{source} is no checkpoint of this config: {len(missing)} of '
            f'{len(model_state)} tensors are missing, {missing[0]} for one. '
            f'{_REFIT}'
        )
