import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.backends import BACKENDS, Backend, build_backend
from clhoi_mm.teacher.backends.yes_no import yes_probability


def test_custom_backend_is_built_by_name():

    @BACKENDS.register_module('echo')
    class Echo(Backend):
        def __init__(self, model):
            self.model = model

        def run(self, requests):
            return iter(())

    assert build_backend(dict(type='echo', model='m')).model == 'm'
    assert {'echo', 'openai', 'replay', 'vllm'} <= set(BACKENDS.names())
    with pytest.raises(KeyError, match='registered already'):
        BACKENDS.register_module('echo')(type('Other', (Echo,), {}))
    with pytest.raises(KeyError, match="'echoes'.*openai"):
        build_backend(dict(type='echoes'))


def test_light_backends_import_neither_torch_nor_mmcv():
    code = (
        'import sys; from clhoi_mm.teacher.backends import build_backend; '
        'build_backend(dict(type="openai", model="m")); '
        'print([m for m in ("torch", "mmcv", "mmengine", "transformers") '
        'if m in sys.modules])'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == '[]'


def test_yes_probability_by_hand():
    tokens = {' yes': math.log(0.2), 'Yes': math.log(0.1), 'no': math.log(0.1)}
    assert yes_probability(tokens) == pytest.approx(0.75)
    assert yes_probability({'Maybe': 0.0}) is None
    assert yes_probability({'no': -math.inf}) is None
    assert yes_probability({'yes': 900.0, 'No': -900.0}) == 1  # No overflow.


@given(
    st.dictionaries(
        st.sampled_from(['yes', 'Yes', ' Yes', 'no', 'No', 'x']),
        st.floats(-1e4, 1e4),
    )
)
def test_yes_probability_is_a_probability(tokens):
    value = yes_probability(tokens)
    assert (value is None) == (not {x.strip() for x in tokens} - {'x'})
    assert value is None or 0 <= value <= 1
