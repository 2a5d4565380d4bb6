"""Python code in the documents uses existing names and options.

The code of docs/extending.md is run in test_extending.py.
"""

import ast
import importlib
import inspect
import re

import pytest
from mmengine.config import Config
from studies import Study

from clhoi_mm.config_file import resolve_key
from clhoi_mm.registry import MODELS
from clhoi_mm.utils.errors import InputError
from tests.data_utils import REPO
from tests.test_docs.pages import DOCS, blocks, commands

CODE = [
    pytest.param(block, id=f'{path.stem}-{number}')
    for path in DOCS
    for number, block in enumerate(blocks(path, 'python'))
]
CONFIGS = [
    param
    for param in CODE
    if re.match('_base_ =|model =', param.values[0])
    and 'custom_imports' not in param.values[0]
]


def check_calls(block):
    """Bind the keywords of each call of an imported name."""
    known, instances = {}, {}
    for node in ast.walk(ast.parse(block.replace('{{', '').replace('}}', ''))):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            for alias in node.names:
                known[alias.name] = getattr(module, alias.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made = known.get(getattr(node.value.func, 'id', None))
            if inspect.isclass(made):
                instances[node.targets[0].id] = made
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = known.get(node.func.id)
            if node.func.id in instances:
                made = instances[node.func.id]
                # An inferencer's call passes its options on.
                called = getattr(made, 'stream', made.__call__)
            if called is None:
                continue
            # A metaclass may hide the signature.
            if inspect.isclass(called):
                called = called.__init__
            takes = inspect.signature(called)
            takes.bind_partial(
                *[None] * ('self' in takes.parameters),
                *node.args,
                **{word.arg: word.value for word in node.keywords},
            )


@pytest.mark.parametrize('block', CODE)
def test_names_and_options_exist(block):
    check_calls(block)


def test_calls_are_checked():
    block = 'from clhoi_mm.apis import HOIInferencer\n'
    for wrong in (
        'HOIInferencer(weight="a.pth")',
        'x = HOIInferencer(weights="a.pth")\nx("photos", vocabulry=[])',
    ):
        with pytest.raises(TypeError, match='unexpected keyword'):
            check_calls(block + wrong)
    with pytest.raises(AttributeError):
        check_calls('from clhoi_mm.apis import Inferencer')


def check_entries(cfg, of):
    """Assert that configured classes accept their arguments."""
    for key, value in cfg.items():
        if isinstance(value, dict):
            check_entries(value, f'{of}.{key}')
    build = MODELS.get(cfg['type']) if 'type' in cfg else None
    # Classes of other packages are not checked.
    if build is not None and build.__module__.startswith('clhoi_mm'):
        wrong = set(cfg) - set(inspect.signature(build).parameters) - {'type'}
        assert not wrong, f'{of}: {cfg["type"]} takes no {sorted(wrong)}'


@pytest.mark.parametrize('block', CONFIGS)
def test_configs_build(block, tmp_path):
    """Check each config block for unknown entries."""
    block = re.sub("'(configs|_base_)/", rf"'{REPO}/\1/", block)
    block = block.replace(f'{REPO}/_base_', f'{REPO}/configs/_base_')
    if not block.startswith('_base_'):
        block = f"_base_ = '{REPO}/configs/clhoi_r50_hico.py'\n{block}"
    path = tmp_path / 'config.py'
    path.write_text(block)
    cfg = Config.fromfile(path)
    assert cfg.model.type == 'CLHOI'
    check_entries(cfg.model.to_dict(), 'model')


def test_entries_are_checked():
    model = Config.fromfile(REPO / 'configs/clhoi_r50_hico.py').model
    model.train_detectors = True
    with pytest.raises(AssertionError, match='CLHOI takes no .*detectors'):
        check_entries(model.to_dict(), 'model')


def test_documented_study_is_read(tmp_path):
    (block,) = [
        p.values[0] for p in CODE if 'seeds = [0, 1, 2]' in p.values[0]
    ]
    path = tmp_path / 'study.py'
    path.write_text(block.replace("'../", f"'{REPO}/configs/"))
    study = Study(str(path))
    assert set(study.rows) >= {'label-free', 'instance'}
    for row in study.rows:
        if row != 'prior':
            for run in study.runs(row):
                check_options(run.cfg, study.rows[row].get('options', {}))


def check_options(cfg, keys):
    """Assert that an override's entry exists in the config.

    mmengine accepts any entry, so a misspelled one would have no effect.
    """
    for key in keys:
        part = cfg
        *parents, last = resolve_key(cfg, key).split('.')
        for name in parents:
            part = part[int(name)] if name.isdigit() else part[name]
        if isinstance(part, list):
            part[int(last)]
        elif last not in part:
            # A default that the config does not state.
            assert last in TAKEN, f'{key} is no entry of the config'


# Arguments of data sets, metrics and heads with defaults in configs.
TAKEN = ('supervision', 'unseen', 'zero_shot', 'indices', 'protocol', 'draw')
OVERRIDES = sorted(
    {
        command
        for _, command in commands()
        if '--cfg-options' in command and re.search(r' (configs/\S+)', command)
    }
)


def overrides(command):
    config = re.search(r' (configs/\S+)', command).group(1)
    tail = command.split('--cfg-options', 1)[1].split()
    keys = []
    for word in tail:
        if word.startswith('--'):
            break
        keys.append(word.partition('=')[0])
    return config, keys


@pytest.mark.parametrize('command', OVERRIDES)
def test_overridden_entries_exist(command):
    config, keys = overrides(command)
    assert keys
    if '/studies/' in config:
        content = Config.fromfile(REPO / config)
        config = f'configs/studies/{content.config}'
    check_options(Config.fromfile(REPO / config), keys)


def test_overrides_are_checked():
    assert len(OVERRIDES) > 8
    cfg = Config.fromfile(REPO / 'configs/clhoi_r18_mini.py')
    stage = 'custom_hooks.DistillStageHook.vlt_lr_mult'
    check_options(cfg, ['model.vlt.num_layers', stage])
    for wrong in (
        'model.vlt.num_layer',
        'modle.vlt',
        'custom_hooks.9.epochs',
        'custom_hooks.NoHook.epochs',
    ):
        with pytest.raises((AssertionError, KeyError, IndexError, InputError)):
            check_options(cfg, [wrong])
