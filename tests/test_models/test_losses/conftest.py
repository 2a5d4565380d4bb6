import pytest

from clhoi_mm.models import PhraseClassifier
from tests.test_models.utils import ENCODER, PARK, TEXT_DIM


@pytest.fixture(scope='module')
def filled():
    table = PhraseClassifier(PARK, ENCODER, TEXT_DIM)
    table.encode_phrases()
    return table


@pytest.fixture
def phrases(filled):
    """Build a phrase classifier that a test may write to."""
    state = {k: v.clone() for k, v in filled.state_dict().items()}
    yield filled
    filled.load_state_dict(state)
