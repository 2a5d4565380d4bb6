import copy
import pickle

import pytest
from mmengine.config import Config
from mmengine.registry import Registry

from clhoi_mm.config_file import (
    FormattedOnce,
    config_mistake,
    merge_options,
    read_config,
    resolve_key,
)
from clhoi_mm.utils.errors import InputError
from tests.tool_utils import MINI


@pytest.fixture
def formatted(monkeypatch):
    """Count the calls of yapf."""
    from yapf.yapflib import yapf_api

    calls, usual = [], yapf_api.FormatCode

    def count(code, *args, **kwargs):
        calls.append(code)
        return usual(code, *args, **kwargs)

    monkeypatch.setattr(yapf_api, 'FormatCode', count)
    monkeypatch.setattr(FormattedOnce, '_texts', {})
    return calls


def test_text_equals_mmengines_and_is_formatted_once(formatted, tmp_path):
    cfg = read_config(MINI)
    assert cfg.pretty_text == Config.fromfile(MINI).pretty_text
    formatted.clear()
    for same in (cfg, copy.deepcopy(cfg), pickle.loads(pickle.dumps(cfg))):
        same.dump(str(tmp_path / 'config.py'))
    assert formatted == []
    assert (tmp_path / 'config.py').read_text() == cfg.pretty_text


def test_changed_config_is_formatted_again(formatted):
    cfg = read_config(MINI, {'train_cfg.max_epochs': 3})
    before = cfg.pretty_text
    cfg.model.icn.num_heads = 8
    assert cfg.pretty_text == before.replace('num_heads=4', 'num_heads=8', 1)
    assert len(formatted) == 2


HOOKS = [dict(type='A', x=1), dict(type='B', steps=[dict(type='C', y=2)])]


def test_list_members_are_addressed_by_type():
    cfg = Config(dict(hooks=copy.deepcopy(HOOKS)))
    options = {'hooks.B.steps.C.y': 3, 'hooks.0.x': 4, 'hooks.A.new': [1]}
    merge_options(cfg, options)
    assert cfg.hooks[1].steps[0].y == 3
    assert cfg.hooks[0].x == 4 and cfg.hooks[0].new == [1]
    assert resolve_key(cfg, 'hooks.B.steps.C') == 'hooks.1.steps.0'


@pytest.mark.parametrize(
    'key, number', [('hooks.Z.x', 'no'), ('hooks.A.x', '2')]
)
def test_missing_or_repeated_type_is_an_error(key, number):
    cfg = Config(dict(hooks=[*HOOKS, dict(type='A')]))
    message = f'{key}: hooks has {number} members.*A, B, A.*an index from 0'
    with pytest.raises(InputError, match=message):
        resolve_key(cfg, key)


def test_options_are_not_changed_by_merging():
    """Merging leaves the options dict as it was, ``_delete_`` included."""
    options = {'part': dict(_delete_=True, x=1)}
    merge_options(Config(dict(part=dict(y=2))), options)
    assert options == {'part': dict(_delete_=True, x=1)}


@pytest.mark.parametrize('value', [None, 3, 'text'])
def test_key_below_a_non_dict_is_an_error(value):
    cfg = Config(dict(model=dict(label_noise=value)))
    with pytest.raises(InputError) as error:
        merge_options(cfg, {'model.label_noise.warmup': 3})
    assert str(error.value) == (
        f'model.label_noise.warmup: model.label_noise is {value!r} in the '
        'config, not a dict; in a config of your own, give it a dict with '
        '_delete_=True'
    )
    merge_options(cfg, {'model.label_noise': 5, 'new.entry.inner': 1})
    assert cfg.model.label_noise == 5 and cfg.new.entry.inner == 1


def test_unknown_option_error_lists_the_known_ones():
    registry = Registry('model')

    @registry.register_module()
    class Student:
        def __init__(self, detector=None, label_noise=None):
            pass

    for option, near in (('detektor', True), ('speed', False)):
        with pytest.raises(TypeError) as error:
            registry.build({'type': 'Student', option: 1})
        mistake = config_mistake(error.value)
        assert f'has no option {option!r};' in mistake
        assert ("did you mean 'detector'?" in mistake) == near
        assert mistake.endswith('options: detector, label_noise')
