import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('mmdet')

from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from clhoi_mm.evaluation.metrics import VCOCOMetric
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.vocabulary import HOIVocabulary

VOCABULARY = HOIVocabulary(
    'yard',
    ['person', 'ball'],
    ['hold obj', 'stand', 'point instr'],
    ['holding', 'standing', 'pointing at'],
    [(0, 1)],
    roleless=['stand'],
)
NAN = [float('nan')] * 4
P, Q, BALL = (
    [0.0, 0.0, 10.0, 10.0],
    [20.0, 0.0, 30.0, 10.0],
    [10.0, 0.0, 20.0, 10.0],
)


def make_sample(img_id, persons, roles, rows):
    sample = HOIDataSample(metainfo=dict(img_id=img_id, ori_shape=(50, 60)))
    sample.gt_persons = InstanceData(
        bboxes=torch.tensor([box for box, _ in persons]).reshape(-1, 4),
        hoi_labelled=torch.tensor(
            [flag for _, flag in persons], dtype=torch.bool
        ),
    )
    sample.gt_hois = InstanceData(
        human_bboxes=torch.tensor([row[0] for row in roles]).reshape(-1, 4),
        object_bboxes=torch.tensor([row[1] for row in roles]).reshape(-1, 4),
        verb_labels=torch.tensor([row[2] for row in roles], dtype=torch.long),
    )
    sample.pred_hois = InstanceData(
        human_bboxes=torch.tensor([row[0] for row in rows]).reshape(-1, 4),
        object_bboxes=torch.tensor([row[1] for row in rows]).reshape(-1, 4),
        verb_labels=torch.tensor([row[2] for row in rows], dtype=torch.long),
        scores=torch.tensor([row[3] for row in rows]),
    )
    return sample


def yard_samples():
    """Build samples; image 1 matches in scenario 2 only."""
    return [
        make_sample(0, [(P, True)], [(P, BALL, 0), (P, NAN, 1)],
                    [(P, BALL, 0, .9), (P, NAN, 1, .4)]),
        make_sample(1, [(P, True), (Q, False)], [(P, NAN, 0), (P, BALL, 2)],
                    [(P, BALL, 0, .8), (Q, BALL, 0, .95)]),
        make_sample(2, [], [], []),
    ]  # fmt: skip


EXPECTED = {
    'v_coco/AP_role_s1': 50, 'v_coco/AP_role_s2': 100,
    'v_coco/AP_role_s1_25': 25, 'v_coco/AP_role_s2_25': 50,
    'v_coco/AP_agent': 100 * (1 + 1 + 0) / 3
}  # fmt: skip


def evaluate(samples, dataset_meta=None, **kwargs):
    kwargs.setdefault('vocabulary', VOCABULARY)
    evaluator = Evaluator(VCOCOMetric(**kwargs))
    evaluator.dataset_meta = dataset_meta
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


def test_metrics_by_hand():
    assert evaluate(yard_samples()) == pytest.approx(EXPECTED)


def test_verbs_come_from_the_data_set():
    meta = dict(verbs=list(VOCABULARY.verbs))
    assert evaluate(yard_samples(), meta, vocabulary=None) == pytest.approx(
        EXPECTED
    )
    with pytest.raises(ValueError, match="vocabulary='v_coco'"):
        evaluate(yard_samples(), {}, vocabulary=None)
    with pytest.raises(ValueError, match="differs from the data set's"):
        evaluate(yard_samples(), dict(verbs=['hold obj']))


def test_classwise_and_prefix():
    metrics = evaluate(yard_samples(), classwise=True, prefix='yard')
    assert metrics['yard/AP_role_s1/hold obj'] == 50
    assert metrics['yard/AP_agent/stand'] == 100
    assert 'yard/AP_role_s1/stand' not in metrics


def test_eval_names_select_the_metric():
    names = [n for group in VCOCOMetric.eval_names.values() for n in group]
    assert sorted(f'v_coco/{name}' for name in names) == sorted(EXPECTED)


def test_built_by_the_registry():
    with DefaultScope.overwrite_default_scope('clhoi_mm'):
        evaluator = Evaluator(dict(type='VCOCOMetric', vocabulary='v_coco'))
    actions = evaluator.metrics[0].actions
    assert len(actions.verbs) == 29 and len(actions.actions) == 26
    assert actions.has_role.sum() == 25 and actions.counts.sum() == 24


def test_image_scored_twice_and_no_images():
    with pytest.raises(ValueError, match='VCOCOMetric got image 0 2 times'):
        evaluate([yard_samples()[0]] * 2)
    with pytest.raises(ValueError, match='VCOCOMetric got no images'):
        evaluate([])
