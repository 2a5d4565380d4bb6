import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('mmdet')

from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from clhoi_mm.evaluation.metrics import HICODetMetric
from clhoi_mm.registry import METRICS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.vocabulary import HOIVocabulary

VOCABULARY = HOIVocabulary(
    'zoo',
    ['person', 'horse', 'ball'],
    ['ride', 'feed', 'throw'],
    ['riding', 'feeding', 'throwing'],
    [(0, 1), (1, 1), (2, 2)],
    rare=[1],
)
META = dict(
    hoi_classes=VOCABULARY.names,
    hoi_objects=VOCABULARY.hoi_objects.tolist(),
    rare=VOCABULARY.rare.tolist(),
    vocabulary='zoo',
    vocabulary_hash=VOCABULARY.hash,
)
A, B, FAR = (
    [0.0, 0.0, 4.0, 4.0],
    [4.0, 0.0, 8.0, 4.0],
    [50.0, 50.0, 60.0, 60.0],
)


def instances(rows, **scores):
    return InstanceData(
        human_bboxes=torch.tensor([row[0] for row in rows]).reshape(-1, 4),
        object_bboxes=torch.tensor([row[1] for row in rows]).reshape(-1, 4),
        hoi_labels=torch.tensor([row[2] for row in rows], dtype=torch.long),
        **scores,
    )


def make_sample(img_id, gt, pred, image_hoi_labels=None):
    sample = HOIDataSample(metainfo=dict(img_id=img_id))
    sample.gt_hois = instances(gt)
    sample.pred_hois = instances(
        pred, scores=torch.tensor([row[3] for row in pred])
    )
    if image_hoi_labels is not None:
        sample.image_hoi_labels = torch.tensor(image_hoi_labels)
    return sample


def zoo_samples():
    """Build samples: AP ride 1, feed 1/2, throw 6/11.

    The Known-Object AP of feed is 1.
    """
    return [
        make_sample(0, [(A, B, 0), (A, B, 1)], [(A, B, 0, .9),
                                                (A, B, 1, .5)]),
        make_sample(1, [(A, B, 2), (B, A, 2)], [(A, B, 2, .9),
                                                (A, B, 1, .8)]),
        make_sample(2, [], [], image_hoi_labels=[0]),
    ]  # fmt: skip


EXPECTED = {
    'hico_det/mAP': 100 * (1 + 1 / 2 + 6 / 11) / 3,
    'hico_det/mAP_rare': 50,
    'hico_det/mAP_non_rare': 100 * (1 + 6 / 11) / 2,
    'hico_det/mAP_ko': 100 * (2 + 6 / 11) / 3,
    'hico_det/mAP_ko_rare': 100,
    'hico_det/mAP_ko_non_rare': 100 * (1 + 6 / 11) / 2,
}


def evaluate(samples, dataset_meta=None, **kwargs):
    kwargs.setdefault('vocabulary', VOCABULARY)
    evaluator = Evaluator(HICODetMetric(**kwargs))
    evaluator.dataset_meta = dataset_meta
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


def test_metrics_by_hand():
    assert evaluate(zoo_samples()) == pytest.approx(EXPECTED)


def test_vocabulary_comes_from_the_data_set():
    metrics = evaluate(zoo_samples(), dataset_meta=META, vocabulary=None)
    assert metrics == pytest.approx(EXPECTED)


def test_no_vocabulary():
    with pytest.raises(ValueError, match="vocabulary='hico_det'"):
        evaluate(zoo_samples(), dataset_meta={}, vocabulary=None)


def test_vocabulary_differing_from_the_data_set_is_an_error():
    meta = {**META, 'vocabulary': 'mini', 'vocabulary_hash': '0123'}
    with pytest.raises(ValueError, match="differs from the data set's, 'mini"):
        evaluate(zoo_samples(), dataset_meta=meta)


def test_data_set_rarity_overrides_the_vocabulary():
    meta = {**META, 'rare': [True, False, False]}
    metrics = evaluate(zoo_samples(), dataset_meta=meta)
    assert metrics['hico_det/mAP_rare'] == 100


def test_no_rare_flags_and_no_known_object():
    content = {**VOCABULARY.to_dict(), 'rare': None}
    metrics = evaluate(zoo_samples(), vocabulary=content, known_object=False)
    assert list(metrics) == ['hico_det/mAP']


def test_classwise_and_prefix():
    metrics = evaluate(zoo_samples(), classwise=True, prefix='zoo')
    assert metrics['zoo/AP/ride horse'] == 100
    assert metrics['zoo/AP/feed horse'] == 50
    assert metrics['zoo/AP/throw ball'] == pytest.approx(600 / 11)
    assert metrics['zoo/mAP'] == pytest.approx(EXPECTED['hico_det/mAP'])


def test_eval_names_select_the_metric():
    names = {n for group in HICODetMetric.eval_names.values() for n in group}
    metrics = evaluate(zoo_samples(), unseen=[1])
    assert names <= {key.split('/')[1] for key in metrics}


def test_unseen_classes():
    metrics = evaluate(zoo_samples(), unseen=[1, 2])
    assert metrics['hico_det/mAP_unseen'] == pytest.approx(
        100 * (1 / 2 + 6 / 11) / 2
    )
    assert metrics['hico_det/mAP_seen'] == 100
    assert metrics['hico_det/mAP_ko_seen'] == 100
    metric = HICODetMetric('hico_det', unseen='uv')
    assert metric._unseen_mask().sum() == 84
    with pytest.raises(ValueError, match='unseen holds 3, but .* 3 classes'):
        evaluate(zoo_samples(), unseen=[3])


def test_built_by_the_registry():
    with DefaultScope.overwrite_default_scope('clhoi_mm'):
        evaluator = Evaluator(
            dict(type='HICODetMetric', vocabulary='hico_det')
        )
    (metric,) = evaluator.metrics
    assert isinstance(metric, HICODetMetric)
    assert METRICS.get('HICODetMetric') is HICODetMetric
    assert len(metric.hoi_classes) == 600


def test_unknown_protocol():
    with pytest.raises(ValueError, match='no protocol .kitti.*official'):
        HICODetMetric(VOCABULARY, protocol='kitti')


def bad(field, key, value):
    sample = zoo_samples()[0].to_dict()
    if field is None:
        sample.pop(key)
    elif value is None:
        sample[field].pop(key)
    else:
        sample[field][key] = value
    return sample


NAN = float('nan')


@pytest.mark.parametrize('sample, error, message', [
    (bad(None, 'img_id', 0), KeyError, 'img_id.*meta_keys'),
    (bad(None, 'pred_hois', 0), KeyError, 'Image 0: pred_hois is missing'),
    (bad('gt_hois', 'object_bboxes', None), KeyError, 'gt_hois lacks object'),
    (bad('pred_hois', 'scores', None), KeyError, 'pred_hois lacks scores'),
    (bad('pred_hois', 'scores', torch.tensor([NAN, .5])), ValueError,
     'Image 0: pred_hois.scores is not finite in row 0'),
    (bad('pred_hois', 'scores', torch.tensor([.5])), ValueError,
     r'scores must have shape \(2,\)'),
    (bad('pred_hois', 'human_bboxes', torch.ones(2, 5)), ValueError,
     r'human_bboxes must have shape \(2, 4\).*has \(2, 5\)'),
    (bad('gt_hois', 'object_bboxes', torch.tensor([A, [NAN] * 4])), ValueError,
     'gt_hois.object_bboxes is not finite in row 1'),
    (bad('pred_hois', 'hoi_labels', torch.tensor([0, 3])), ValueError,
     'hoi_labels holds 3, but the vocabulary has 3 classes.*same vocab'),
    (bad('gt_hois', 'hoi_labels', torch.tensor([-2, 0])), ValueError,
     'gt_hois.hoi_labels holds -2'),
    (bad('gt_hois', 'hoi_labels', torch.tensor([.5, 0])), ValueError,
     'vector of integers'),
])  # fmt: skip
def test_bad_input(sample, error, message):
    with pytest.raises(error, match=message):
        HICODetMetric(VOCABULARY).process(None, [sample])


def test_image_scored_twice():
    with pytest.raises(ValueError, match='image 0 2 times'):
        evaluate([zoo_samples()[0]] * 2)


def test_no_images():
    with pytest.raises(ValueError, match='got no images'):
        evaluate([])


def test_results_are_small_and_share_no_memory():
    """Half-precision scores of a model under autocast are also read."""
    sample = zoo_samples()[0]
    sample.pred_hois.scores = sample.pred_hois.scores.bfloat16()
    metric = HICODetMetric(VOCABULARY)
    metric.process(None, [sample.to_dict()])
    (record,) = metric.results
    assert record.pred.human_bboxes.dtype == np.float32
    sample.pred_hois.human_bboxes.zero_()
    assert record.pred.human_bboxes[0].tolist() == A
