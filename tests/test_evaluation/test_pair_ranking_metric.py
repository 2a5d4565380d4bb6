import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('mmdet')

from mmengine.evaluator import Evaluator

from clhoi_mm.evaluation.metrics import PairRankingMetric
from tests.test_evaluation.test_hico_det_metric import (
    FAR,
    META,
    VOCABULARY,
    A,
    B,
    make_sample,
)


def samples():
    """Build samples with AP: ride 1/2, feed 1, throw 1."""
    return [
        make_sample(0, [(A, B, 0)], [(A, FAR, 0, .9), (A, B, 0, .8),
                                     (A, B, 1, .1)]),
        make_sample(1, [(A, B, 1), (A, B, 2)], [(A, B, 1, .7),
                                                (A, B, 2, .6)]),
    ]  # fmt: skip


def evaluate(samples, dataset_meta=None, **options):
    evaluator = Evaluator(PairRankingMetric(**options))
    evaluator.dataset_meta = dataset_meta
    evaluator.process(data_samples=samples)
    return evaluator.evaluate(len(samples))


@pytest.mark.parametrize(
    'meta, options', [(META, {}), (None, dict(vocabulary=VOCABULARY))]
)
def test_metrics_by_hand(meta, options):
    assert evaluate(samples(), meta, **options) == pytest.approx(
        {
            'pairs/AP': 100 * 2.5 / 3,
            'pairs/AP_rare': 100,
            'pairs/AP_non_rare': 75,
            'pairs/AP_multi': 50,
            'pairs/AP_multi_non_rare': 50,
        }
    )


def test_unseen_classes_and_classwise():
    metrics = evaluate(samples(), META, unseen=[0], classwise=True)
    assert metrics['pairs/AP_unseen'] == 50
    assert metrics['pairs/AP_seen'] == 100
    assert metrics['pairs/AP/feed horse'] == 100
    with pytest.raises(ValueError, match='unseen holds 3'):
        evaluate(samples(), META, unseen=[3])


def test_errors():
    with pytest.raises(ValueError, match='PairRankingMetric got image 0 2'):
        evaluate(samples()[:1] * 2, META)
    found = [make_sample(0, [(A, B, 0)], [(A, FAR, 0, 0.9)])]
    with pytest.raises(ValueError, match='none of 1 candidate pairs lies on'):
        evaluate(found, META)
    with pytest.raises(ValueError, match="PairRankingMetric's vocabulary"):
        evaluate(
            samples(), dict(META, vocabulary_hash='x'), vocabulary=VOCABULARY
        )


@pytest.mark.filterwarnings('ignore:Mean of empty slice')
def test_intervals():
    plain = evaluate(samples(), META)
    found = evaluate(samples(), META, resamples=50)
    assert plain.items() <= found.items()
    assert set(found) - set(plain) == {
        f'pairs/{name}_{end}'
        for name in ('AP', 'AP_multi')
        for end in ('low', 'high')
    }
    assert found['pairs/AP_low'] < found['pairs/AP'] < found['pairs/AP_high']
