import pytest
import torch

from tests.test_models.utils import (
    BIKE,
    NO_BIKE,
    RIDE,
    SIZE,
    VOCABULARY,
    build,
    make_sample,
    model_cfg,
)

SCORES = [0.1, 0.2, 0.05, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]


def predict(**options):
    model = build(
        model_cfg(
            vlt=None,
            context_loss=None,
            icn=dict(type='BaselineICN', **options),
        )
    ).eval()
    inputs = torch.zeros(1, 3, *SIZE)
    return model.predict(inputs, [make_sample()])[0].pred_hois


def test_scores_of_classes():
    pred = predict(class_scores=SCORES)
    torch.testing.assert_close(
        pred.scores,
        torch.tensor(SCORES)[pred.hoi_labels]
        * pred.human_scores
        * pred.object_scores,
    )
    bikes = set(pred.hoi_labels[pred.object_labels == BIKE].tolist())
    assert {RIDE, NO_BIKE} < bikes


@pytest.mark.parametrize('seeds, equal', [((0, 0), True), ((0, 1), False)])
def test_random_scores_follow_the_seed(seeds, equal):
    one, two = (predict(seed=seed).scores for seed in seeds)
    assert torch.equal(one, two) == equal
    assert len(one) == 16 < 5 * VOCABULARY.num_hois
