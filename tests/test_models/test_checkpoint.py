import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from clhoi_mm.models import load_weights


class Malicious:
    """Object that runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize('legacy', [False, True])
def test_pickled_code_is_refused(tmp_path, legacy):
    path, marker = tmp_path / 'model.pth', tmp_path / 'was_here'
    torch.save(
        dict(state_dict=dict(), meta=Malicious(marker)),
        path,
        _use_new_zipfile_serialization=not legacy,
    )
    with pytest.raises(
        ValueError,
        match='model.pth is not a checkpoint.*hold code beside weights',
    ):
        load_weights(str(path))
    assert not marker.exists()


class AttributeRequest:
    """Object that requests an attribute when it is unpickled."""

    def __init__(self, owner, name):
        self.wanted = owner, name

    def __reduce__(self):
        return getattr, self.wanted


@pytest.mark.parametrize(
    'owner, name', [(np.ndarray, 'tofile'), (HistoryBuffer, '__init__')]
)
def test_pickled_attribute_access_is_refused(tmp_path, owner, name):
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict={}, meta=AttributeRequest(owner, name)), path)
    with pytest.raises(ValueError, match='loaded safely.*' + name):
        load_weights(str(path))


@pytest.mark.parametrize('share', [0.0, 0.3, 0.9])
def test_truncated_file(tmp_path, share):
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=dict(weight=torch.zeros(100, 100))), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match='model.pth.*may be truncated'):
        load_weights(str(path))


@pytest.mark.parametrize('content', [b'words', pickle.dumps([1])])
def test_file_that_is_no_checkpoint(tmp_path, content):
    path = tmp_path / 'notes.txt'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='notes.txt'):
        load_weights(str(path))


def test_bare_tensor_is_refused(tmp_path):
    torch.save(torch.zeros(3), tmp_path / 'tensor.pth')
    with pytest.raises(ValueError, match='tensor.pth holds a Tensor'):
        load_weights(str(tmp_path / 'tensor.pth'))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_weights(str(tmp_path / 'nothing.pth'))


def test_mmengine_checkpoint_is_loaded(tmp_path):
    buffer = HistoryBuffer()
    buffer.update(1.0, 2)
    path = tmp_path / 'epoch_1.pth'
    meta = dict(
        epoch=1,
        lr=np.float64(0.1),
        step=np.int64(3),
        flags=np.array([True, False]),
        counts=np.arange(3, dtype=np.int32),
    )
    torch.save(
        dict(
            state_dict=dict(weight=torch.ones(2)),
            meta=meta,
            message_hub=dict(log_scalars=dict(loss=buffer)),
        ),
        path,
    )
    loaded = load_weights(str(path))
    assert loaded['message_hub']['log_scalars']['loss'].mean() == 0.5
    assert loaded['meta']['lr'] == 0.1 and loaded['meta']['step'] == 3
    np.testing.assert_array_equal(loaded['meta']['counts'], meta['counts'])
    np.testing.assert_array_equal(loaded['meta']['flags'], meta['flags'])


@pytest.mark.parametrize('core', ['core', '_core'])
def test_files_of_numpy_1_and_2(tmp_path, core):
    """Both name the functions that rebuild arrays differently."""
    path = tmp_path / 'old.pth'
    torch.save(
        dict(state_dict={}, values=np.arange(3.0), value=np.float32(2)),
        path,
        pickle_protocol=2,
        _use_new_zipfile_serialization=False,
    )
    names = [b'cnumpy._core.multiarray', b'cnumpy.core.multiarray']
    content = path.read_bytes()
    assert any(name in content for name in names)
    for name in names:
        content = content.replace(
            name, b'cnumpy.%s.multiarray' % core.encode()
        )
    path.write_bytes(content)
    loaded = load_weights(str(path))
    np.testing.assert_array_equal(loaded['values'], np.arange(3.0))
    assert loaded['value'] == 2


def test_bare_state_dict(tmp_path):
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'bare.pth')
    loaded = load_weights(str(tmp_path / 'bare.pth'))
    assert loaded['state_dict'].keys() == {'weight'}


def test_allowlist_is_restored_after_loading(tmp_path):
    before = set(torch.serialization.get_safe_globals())
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'bare.pth')
    load_weights(str(tmp_path / 'bare.pth'))
    assert set(torch.serialization.get_safe_globals()) == before
