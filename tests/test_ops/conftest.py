"""Use clhoi_mm.ops in mmcv's functions, even next to compiled ones."""

import sys

import mmcv.ops  # noqa: F401, loads the modules below
import pytest

from clhoi_mm.ops import ext

MODULES = (
    'nms',
    'roi_align',
    'roi_pool',
    'focal_loss',
    'deform_conv',
    'modulated_deform_conv',
)


@pytest.fixture(autouse=True)
def clhoi_mm_operators(monkeypatch) -> None:
    for name in MODULES:
        module = sys.modules[f'mmcv.ops.{name}']
        monkeypatch.setattr(module, 'ext_module', ext)
