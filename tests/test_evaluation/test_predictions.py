"""Files of predictions and annotations, and the scoring tool."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import (
    Predictions,
    evaluate_hico_det,
    evaluate_v_coco,
    hico_det_ground_truth,
    v_coco_ground_truth,
)
from clhoi_mm.vocabulary import HOIVocabulary, load_zero_shot_split
from tests.data_utils import (
    REPO,
    find_shared,
    make_annotations,
    make_scene,
    tiny_scenes,
)
from tests.tool_utils import run_command

TOOLS = REPO / 'tools/analysis_tools'
HICO, VCOCO = HOIVocabulary.load('hico_det'), HOIVocabulary.load('v_coco')


def truth_as_predictions(annotations, agent_scores=False):
    """Return the annotated pairs, each once, by image."""
    rows = np.flatnonzero(~annotations.invisible)
    rows = rows[np.argsort(annotations.pair_images[rows], kind='stable')]
    images = annotations.pair_images[rows]
    nothing = np.full((1, 4), np.nan, dtype=np.float32)
    labels = np.append(annotations.box_labels, -1)[
        annotations.object_inds[rows]
    ]
    verbs = annotations.pair_verbs[rows]
    hois = np.where(labels >= 0, annotations.hoi_lookup[verbs, labels], -1)
    scores = np.linspace(1, 0.5, len(rows), dtype=np.float32)
    return Predictions(
        np.array(annotations.image_ids),
        np.searchsorted(images, np.arange(len(annotations.image_ids) + 1)),
        annotations.bboxes[annotations.human_inds[rows]],
        np.concatenate([annotations.bboxes, nothing])[
            annotations.object_inds[rows]
        ],
        labels,
        verbs,
        hois,
        scores,
        scores[::-1] if agent_scores else None,
    )


def park_scenes():
    """Build V-COCO-like scenes: absent roles, no or unlabeled persons."""
    size = (120, 90)
    return [
        make_scene('busy.png', size, [('person', (5, 10, 45, 80)),
                                      ('bicycle', (10, 30, 60, 82)),
                                      ('person', (60, 5, 100, 80))],
                   [(0, 1, 'ride instr'), (0, None, 'stand'),
                    (2, None, 'hold obj')]),
        make_scene('none.png', size, [('dog', (20, 20, 60, 60))]),
        make_scene('alone.png', size, [('person', (5, 5, 50, 80)),
                                       ('person', (60, 5, 100, 80)),
                                       ('cup', (40, 20, 80, 60))],
                   [(0, 2, 'hold obj'), (0, None, 'hit obj'),
                    (0, 2, 'hit instr')], unlabeled=[1])
    ]  # fmt: skip


def write(folder, vocabulary, scenes):
    content = make_annotations(
        vocabulary, scenes, vocabulary.name == 'hico_det'
    )
    path = folder / 'ann.json'
    path.write_text(json.dumps(content))
    return path, AnnotationFile.read(path)


def score(*args, cwd):
    return run_command('python', TOOLS / 'eval_predictions.py', *args, cwd=cwd)


def metrics_of(text):
    lines = [line.split() for line in text.splitlines()]
    return {line[0]: float(line[-1]) for line in lines if len(line) == 2}


def test_read_annotations(tmp_path):
    _, annotations = write(tmp_path, HICO, tiny_scenes())
    assert annotations.image_ids == [500, 501, 502, 503, 504]
    gt, labels = hico_det_ground_truth(annotations)
    # This file lists verbs from last to first, but classes in order.
    names = [annotations.hoi_names[label] for label in gt.hoi_labels]
    assert names == ['ride bicycle', 'straddle bicycle', 'hold bicycle',
                     'feed dog', 'ride horse', 'hold cup', 'read book',
                     'hold book']  # fmt: skip
    assert gt.image_inds.tolist() == [0, 0, 0, 0, 3, 4, 4, 4]
    assert gt.human_bboxes[0].tolist() == [5, 10, 25, 60]
    assert gt.object_bboxes[3].tolist() == [70, 40, 90, 60]
    invisible = HICO.hoi_id(
        HICO.verb_label('feed'), HICO.object_label('horse')
    )
    found = list(zip(labels.image_inds, labels.hoi_labels))
    assert (3, invisible) in found and len(found) == 9
    assert annotations.rare.tolist() == HICO.rare.tolist()


def test_image_level_labels_and_persons(tmp_path):
    content = make_annotations(HICO, tiny_scenes())
    content['images'][1]['hoi_ids'] = [1003]
    annotations = AnnotationFile(content, 'x')
    _, labels = hico_det_ground_truth(annotations)
    assert (1, 3) in zip(labels.image_inds, labels.hoi_labels)
    truth, actions = v_coco_ground_truth(
        write(tmp_path, VCOCO, park_scenes())[1]
    )
    assert truth.image_inds.tolist() == [0, 0, 2, 2]
    assert truth.labeled.tolist() == [True, True, True, False]
    assert [actions.verbs[v] for v in truth.role_verbs] == [
        'ride instr',
        'stand',
        'hold obj',
        'hold obj',
        'hit obj',
        'hit instr',
    ]
    assert truth.role_persons.tolist() == [0, 0, 1, 2, 2, 2]
    assert np.isnan(truth.role_bboxes).all(1).tolist() == [
        False, True, True, False, True, False]  # fmt: skip
    assert truth.sizes.tolist() == [[120, 90]] * 4


@pytest.mark.parametrize('protocol', ['official', 'qpic', 'pocket'])
def test_annotations_as_predictions_score_100_in_hico_det(tmp_path, protocol):
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    truth_as_predictions(annotations).write(tmp_path / 'preds.npz')
    done = score(
        '--ann',
        path,
        '--pred',
        'preds.npz',
        '--metric',
        'hico_det',
        '--protocol',
        protocol,
        '--json',
        'out.json',
        '--classwise',
        cwd=tmp_path,
    ).check()
    metrics = json.loads((tmp_path / 'out.json').read_text())
    assert metrics['hico_det/AP/ride bicycle'] == pytest.approx(100)
    # Eight classes are annotated; the others count except in qpic.
    share = 1 if protocol == 'qpic' else 8 / 600
    assert metrics['hico_det/mAP'] == pytest.approx(100 * share)
    assert metrics_of(done.text)['hico_det/mAP_ko'] == pytest.approx(
        100 * share, abs=0.005
    )


def test_annotations_as_predictions_score_100_in_v_coco(tmp_path):
    """Except roles whose persons were labeled with the other role."""
    path, annotations = write(tmp_path, VCOCO, park_scenes())
    predictions = truth_as_predictions(annotations, agent_scores=True)
    predictions.write(tmp_path / 'preds.npz')
    done = score(
        '--ann',
        path,
        '--pred',
        'preds.npz',
        '--metric',
        'v_coco',
        cwd=tmp_path,
    ).check()
    assert metrics_of(done.text) == {
        f'v_coco/{name}': 100
        for name in ('AP_role_s1', 'AP_role_s2', 'AP_role_s1_25',
                     'AP_role_s2_25', 'AP_agent')
    }  # fmt: skip


def test_zero_shot(tmp_path):
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    truth_as_predictions(annotations).write(tmp_path / 'preds.npz')
    done = score(
        '--ann',
        path,
        '--pred',
        'preds.npz',
        '--metric',
        'hico_det',
        '--unseen',
        'uo',
        cwd=tmp_path,
    ).check()
    metrics = metrics_of(done.text)
    assert metrics['hico_det/mAP'] == pytest.approx(
        metrics['hico_det/mAP_unseen'] / 6
        + metrics['hico_det/mAP_seen'] * 5 / 6,
        abs=0.01,
    )
    # A custom split, given as a file.
    (tmp_path / 'mine.json').write_text(json.dumps(load_zero_shot_split('uo')))
    args = (
        '--ann',
        path,
        '--pred',
        'preds.npz',
        '--metric',
        'hico_det',
        '--unseen',
        'mine.json',
    )
    assert metrics_of(score(*args, cwd=tmp_path).check().text) == metrics
    (tmp_path / 'mine.json').write_text('[600]')
    refused = score(*args, cwd=tmp_path)
    assert refused.code and 'holds class 600' in refused.text
    (tmp_path / 'mine.json').unlink()
    refused = score(*args, cwd=tmp_path)
    assert refused.code and 'mine.json: no such file' in refused.text
    assert 'Traceback' not in refused.text


def test_tool_imports_neither_torch_nor_mmdet():
    code = (
        'import os, runpy, sys; sys.argv = ["tool", *{1}, "--help"]\n'
        'sys.path[0] = os.path.dirname(r"{0}")\n'
        'try: runpy.run_path(r"{0}", run_name="__main__")\n'
        'except SystemExit: pass\n'
        'print([m for m in ("torch", "mmengine", "mmdet", "scipy") '
        'if m in sys.modules])'
    )
    for name, command in (
        ('eval_predictions', []),
        ('benchmark', ['evaluation']),
    ):
        output = subprocess.run(
            [sys.executable, '-c', code.format(TOOLS / f'{name}.py', command)],
            check=True,
            capture_output=True,
            text=True,
            cwd=REPO,
        )
        assert output.stdout.splitlines()[-1] == '[]'


def test_order_of_images_does_not_matter(tmp_path):
    _, annotations = write(tmp_path, HICO, tiny_scenes())
    one = truth_as_predictions(annotations)
    counts = np.diff(one.offsets)[::-1]
    rows = np.concatenate(
        [
            np.arange(a, b)
            for a, b in zip(one.offsets[:-1][::-1], one.offsets[1:][::-1])
        ]
    )
    columns = {
        name: getattr(one, name)[rows]
        for name in (
            'human_bboxes',
            'object_bboxes',
            'object_labels',
            'verb_labels',
            'hoi_labels',
            'scores',
        )
    }
    two = Predictions(
        one.img_id[::-1], np.append(0, np.cumsum(counts)), **columns
    )
    first, second = one.pairs(annotations), two.pairs(annotations)
    for name in ('image_inds', 'human_bboxes', 'hoi_labels', 'scores'):
        np.testing.assert_array_equal(
            getattr(first, name), getattr(second, name)
        )


def test_missing_images_count_as_without_predictions(tmp_path):
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    full = truth_as_predictions(annotations)
    first = full.offsets[1]
    few = Predictions(full.img_id[:1], full.offsets[:2], *(
        getattr(full, name)[:first]
        for name in ('human_bboxes', 'object_bboxes', 'object_labels',
                     'verb_labels',
                     'hoi_labels', 'scores')))  # fmt: skip
    few.write(tmp_path / 'few.npz')
    done = score(
        '--ann',
        path,
        '--pred',
        'few.npz',
        '--metric',
        'hico_det',
        cwd=tmp_path,
    ).check()
    assert '4 of 5 images are not in few.npz' in done.text
    assert metrics_of(done.text)['hico_det/mAP'] == pytest.approx(
        100 * 4 / 600, abs=0.005
    )


def test_file_is_deterministic_and_without_pickle(tmp_path):
    _, annotations = write(tmp_path, VCOCO, park_scenes())
    predictions = truth_as_predictions(annotations, agent_scores=True)
    predictions.write(tmp_path / 'one.npz')
    Predictions.read(tmp_path / 'one.npz').write(tmp_path / 'two.npz')
    assert (tmp_path / 'one.npz').read_bytes() == (
        tmp_path / 'two.npz'
    ).read_bytes()
    with np.load(tmp_path / 'one.npz', allow_pickle=False) as file:
        assert set(file.files) == {
            'img_id',
            'offsets',
            'human_bboxes',
            'object_bboxes',
            'object_labels',
            'verb_labels',
            'hoi_labels',
            'scores',
            'agent_scores',
            'format_version',
        }


def test_benchmark(tmp_path):
    for vocabulary, scenes, metric in (
        (HICO, tiny_scenes(), 'hico_det'),
        (VCOCO, park_scenes(), 'v_coco'),
    ):
        path, _ = write(tmp_path, vocabulary, scenes)
        done = run_command(
            'python',
            TOOLS / 'benchmark.py',
            'evaluation',
            '--ann',
            path,
            '--metric',
            metric,
            '--num-per-img',
            20,
            '--out',
            'preds.npz',
            cwd=tmp_path,
        ).check()
        assert 'whole command' in done.text
        predictions = Predictions.read(tmp_path / 'preds.npz')
        assert len(predictions.scores) == 20 * len(scenes)


@pytest.mark.skipif(
    find_shared() is None, reason='needs data/ beside the repository'
)
def test_real_annotations_as_predictions():
    """All 600 classes reach full AP on HICO-DET's test annotations.

    The exception is qpic, which keeps 100 pairs per image.
    """
    path = Path(find_shared()) / 'data/hico_det/instances_test2015.json'
    source = json.loads(path.read_text())
    scenes = []
    for name, image, size in zip(
        source['filenames'], source['annotation'], source['size']
    ):
        boxes, pairs = [], []
        for human, obj, label, verb in zip(
            image['boxes_h'], image['boxes_o'], image['object'], image['verb']
        ):
            pairs.append((len(boxes), len(boxes) + 1, source['verbs'][verb]))
            boxes += [('person', human), (source['objects'][label], obj)]
        scenes.append(
            make_scene(
                name,
                size,
                [(n, (b[0] - 1, b[1] - 1, b[2], b[3])) for n, b in boxes],
                pairs,
            )
        )
    annotations = AnnotationFile(make_annotations(HICO, scenes), 'test')
    gt, labels = hico_det_ground_truth(annotations)
    assert len(gt) == 33405
    pred = truth_as_predictions(annotations).pairs(annotations)
    for protocol, floor in (('official', 100), ('pocket', 100), ('qpic', 99)):
        result = evaluate_hico_det(
            gt, pred, labels, annotations.hoi_objects, protocol
        )
        metrics = result.summary(annotations.rare)
        assert len(metrics) == 6
        assert min(metrics.values()) >= floor - 1e-9
        assert (metrics['mAP'] < 100 - 1e-3) == (protocol == 'qpic')
    few = pred[np.bincount(pred.image_inds)[pred.image_inds] <= 100]
    few_gt = gt[np.bincount(gt.image_inds)[gt.image_inds] <= 100]
    result = evaluate_hico_det(
        few_gt, few, labels, annotations.hoi_objects, 'qpic'
    )
    assert result.summary()['mAP'] == pytest.approx(100)


def test_data_set_samples_equal_the_file(tmp_path):
    """Compare a data set's samples with the file's."""
    pytest.importorskip('mmdet')
    from clhoi_mm.datasets import VCOCODataset
    from clhoi_mm.evaluation.core import (
        VCOCOActions,
        read_v_coco_sample,
        stack_v_coco_records,
    )

    path, annotations = write(tmp_path, VCOCO, park_scenes())
    dataset = VCOCODataset(ann_file=str(path), test_mode=True)
    rows = truth_as_predictions(annotations)
    order = [VCOCO.verb_label(name) for name in annotations.verbs]
    records = []
    for i, info in enumerate(dataset):
        boxes = info['rows']['bboxes']
        persons = info['rows']['labels'] == info['person_label']
        hois = info['hois']
        nothing = np.full((1, 4), np.nan, dtype=np.float32)
        mine = slice(rows.offsets[i], rows.offsets[i + 1])
        records.append(read_v_coco_sample(dict(
            img_id=info['img_id'], ori_shape=(info['height'], info['width']),
            gt_persons=dict(bboxes=boxes[persons],
                            hoi_labelled=info['rows']['hoi_labelled'][
                                persons]),
            gt_hois=dict(
                human_bboxes=boxes[hois['human_rows']],
                object_bboxes=np.concatenate([boxes, nothing])[
                    hois['object_rows']],
                verb_labels=hois['verb_labels']),
            pred_hois=dict(
                human_bboxes=rows.human_bboxes[mine] + 2,
                object_bboxes=rows.object_bboxes[mine],
                verb_labels=np.array(order)[rows.verb_labels[mine]],
                scores=rows.scores[mine])), 29))  # fmt: skip
    one = evaluate_v_coco(
        *stack_v_coco_records(records), VCOCOActions.from_verbs(VCOCO.verbs)
    )
    truth, actions = v_coco_ground_truth(annotations)
    pred = rows.roles(annotations)
    pred.human_bboxes[:] += 2
    two = evaluate_v_coco(truth, pred, actions)
    assert one.classwise() == two.classwise()
    assert one.summary() == two.summary()
