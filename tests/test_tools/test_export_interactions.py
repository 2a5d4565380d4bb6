"""export_interactions.py on a checkpoint, in both formats."""

import pytest
import torch
from mmengine.config import Config

from tests.data_utils import REPO
from tests.test_apis.conftest import save_model
from tests.tool_utils import MINI, run_tool

EXPORT = REPO / 'tools' / 'deployment' / 'export_interactions.py'


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp('export')
    return save_model(Config.fromfile(MINI), folder / 'model.pth')


@pytest.mark.slow
@pytest.mark.parametrize('name', ['part.pt2', 'part.onnx'])
def test_file_agrees_with_the_model(weights, tmp_path, name):
    if name.endswith('onnx'):
        pytest.importorskip('onnxscript')
        pytest.importorskip('onnxruntime')
    done = run_tool(
        EXPORT, weights, '--out', name, '--shape', '160', '224', cwd=tmp_path
    ).check()
    assert 'scores differ from the model by' in done.text
    assert [path.name for path in tmp_path.glob('*part*')] == [name]
    if name.endswith('pt2'):
        program = torch.export.load(tmp_path / name)
        assert 'roi_align' in str(program.graph)


def test_unknown_file_suffix_is_an_error(weights, tmp_path):
    done = run_tool(EXPORT, weights, '--out', 'part.bin', cwd=tmp_path)
    assert done.code == 2 and 'end in .pt2 or .onnx' in done.text
