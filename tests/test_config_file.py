import copy
import pickle

import pytest
from mmengine.config import Config

from clhoi_mm.config_file import FormattedOnce, read_config
from tests.tool_utils import MINI


@pytest.fixture
def formatted(monkeypatch):
    """How often yapf was asked."""
    from yapf.yapflib import yapf_api

    calls, usual = [], yapf_api.FormatCode

    def count(code, *args, **kwargs):
        calls.append(code)
        return usual(code, *args, **kwargs)

    monkeypatch.setattr(yapf_api, 'FormatCode', count)
    monkeypatch.setattr(FormattedOnce, '_texts', {})
    return calls


def test_text_is_mmengines_and_formatted_once(formatted, tmp_path):
    cfg = read_config(MINI)
    assert cfg.pretty_text == Config.fromfile(MINI).pretty_text
    formatted.clear()
    for same in (cfg, copy.deepcopy(cfg), pickle.loads(pickle.dumps(cfg))):
        same.dump(str(tmp_path / 'config.py'))
    assert formatted == []
    assert (tmp_path / 'config.py').read_text() == cfg.pretty_text


def test_what_is_changed_is_formatted_anew(formatted):
    cfg = read_config(MINI, {'train_cfg.max_epochs': 3})
    before = cfg.pretty_text
    cfg.model.icn.num_heads = 8
    assert cfg.pretty_text == before.replace('num_heads=4', 'num_heads=8', 1)
    assert len(formatted) == 2
