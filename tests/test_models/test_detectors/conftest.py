import pytest
import torch

from tests.test_models.utils import SIZE, build, model_cfg


@pytest.fixture(scope='module')
def model():
    return build(model_cfg()).eval()


@pytest.fixture(scope='module')
def variants():
    """Build models without each optional part, once per session."""
    return {
        '': build(model_cfg()),
        'vlt context_loss': build(model_cfg(vlt=None, context_loss=None)),
        'context_loss': build(model_cfg(context_loss=None)),
        'interaction_loss': build(model_cfg(interaction_loss=None)),
    }


@pytest.fixture
def inputs():
    return torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(0))
