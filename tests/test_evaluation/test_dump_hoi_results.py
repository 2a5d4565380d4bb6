import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('mmdet')

from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from test_predictions import (
    HICO,
    TOOLS,
    VCOCO,
    park_scenes,
    truth_as_predictions,
    write,
)

from clhoi_mm.datasets import HOIDataset
from clhoi_mm.evaluation.core import Predictions
from clhoi_mm.evaluation.metrics import (
    DumpHOIResults,
    HICODetMetric,
    VCOCOMetric,
)
from clhoi_mm.structures import HOIDataSample
from tests.data_utils import tiny_scenes
from tests.tool_utils import run_command


def samples_of(dataset, vocabulary, annotations):
    """Build slightly shifted predictions of the annotations.

    They include a row without a class and one without an object.
    """
    from clhoi_mm.datasets.transforms import PackHOIInputs

    rows = truth_as_predictions(annotations)
    objects = np.array(
        [*map(vocabulary.object_label, annotations.objects), -1]
    )
    verbs = np.array([*map(vocabulary.verb_label, annotations.verbs)])
    pack = PackHOIInputs(meta_keys=('img_id', 'key', 'ori_shape'))
    for i, info in enumerate(dataset):
        mine = slice(rows.offsets[i], rows.offsets[i + 1])
        info.update(ori_shape=(info['height'], info['width']))
        sample = HOIDataSample(
            metainfo=dict(
                img_id=info['img_id'],
                key=info['key'],
                ori_shape=info['ori_shape'],
            )
        )
        pack._pack_annotations(info, sample)
        object_labels = objects[rows.object_labels[mine]]
        verb_labels = verbs[rows.verb_labels[mine]]
        hoi_labels = np.where(
            object_labels >= 0,
            vocabulary.hoi_lookup[verb_labels, object_labels],
            -1,
        )
        sample.pred_hois = InstanceData(
            human_bboxes=torch.tensor(rows.human_bboxes[mine]) + 3,
            object_bboxes=torch.tensor(rows.object_bboxes[mine]),
            object_labels=torch.tensor(object_labels),
            verb_labels=torch.tensor(verb_labels),
            hoi_labels=torch.tensor(hoi_labels),
            scores=torch.tensor(rows.scores[mine]).bfloat16(),
        )
        yield sample


@pytest.mark.parametrize(
    'vocabulary, scenes, metric, name',
    [
        (HICO, tiny_scenes(), HICODetMetric, 'hico_det'),
        (VCOCO, park_scenes(), VCOCOMetric, 'v_coco'),
    ],
)
def test_dumped_file_scores_like_the_metric(
    tmp_path, vocabulary, scenes, metric, name
):
    path, annotations = write(tmp_path, vocabulary, scenes)
    dataset = HOIDataset(
        ann_file=str(path), vocabulary=vocabulary, test_mode=True
    )
    out = tmp_path / 'out/preds.npz'
    evaluator = Evaluator(
        [
            metric(),
            DumpHOIResults(str(out), ann_file=str(path)),
            DumpHOIResults(str(tmp_path / 'preds.json')),
        ]
    )
    evaluator.dataset_meta = dataset.metainfo
    samples = list(samples_of(dataset, vocabulary, annotations))
    for sample in samples:
        evaluator.process([sample])
    metrics = evaluator.evaluate(len(samples))
    run_command(
        'python',
        TOOLS / 'eval_predictions.py',
        '--ann',
        path,
        '--pred',
        out,
        '--metric',
        name,
        '--json',
        'metrics.json',
        cwd=tmp_path,
    ).check()
    assert json.loads((tmp_path / 'metrics.json').read_text()) == metrics
    assert len(metrics) >= 5 and max(metrics.values()) > 0
    assert Predictions.read(out).keys.tolist() == annotations.keys
    results = json.loads((tmp_path / 'preds.json').read_text())
    assert [r['img_id'] for r in results] == annotations.image_ids
    boxes = [b for r in results for b in r['hois']['object_bboxes']]
    assert ([None] * 4 in boxes) == (name == 'v_coco')


def test_rows_without_a_valid_class_are_left_out(tmp_path):
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    metric = DumpHOIResults(str(tmp_path / 'few.npz'), ann_file=str(path))
    metric.dataset_meta = dict(classes=['person', 'unicorn', 'Dog'],
                               verbs=['feed', 'tame'])  # fmt: skip
    hois = dict(
        human_bboxes=np.ones((4, 4)),
        object_bboxes=np.ones((4, 4)),
        object_labels=np.array([2, 1, 2, 0]),
        verb_labels=np.array([0, 0, 1, 0]),
        hoi_labels=np.array([5, 6, 7, -1]),
        scores=np.arange(4.0),
    )
    metric.process(
        None,
        [dict(img_id=500, pred_hois=hois), dict(img_id=501, pred_hois=hois)],
    )
    metric.compute_metrics(metric.results)
    predictions = Predictions.read(tmp_path / 'few.npz')
    assert predictions.keys is None
    assert predictions.offsets.tolist() == [0, 2, 4]
    assert predictions.scores.tolist() == [0, 3, 0, 3]
    assert annotations.hoi_names[predictions.hoi_labels[0]] == 'feed dog'
    assert (
        predictions.hoi_labels[1] == -1
    )  # HICO has no class of feeding a person.
    assert len(predictions.pairs(annotations)) == 2


def test_unsupported_file_names_are_refused_early(tmp_path):
    with pytest.raises(ValueError, match='ends in .json or .npz'):
        DumpHOIResults('preds.pkl')
    with pytest.raises(ValueError, match='give ann_file'):
        DumpHOIResults('preds.npz')
    with pytest.raises(FileNotFoundError):
        DumpHOIResults('preds.npz', ann_file=str(tmp_path / 'nowhere.json'))
