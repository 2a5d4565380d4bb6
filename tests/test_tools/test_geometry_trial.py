"""Box-only trial on HICO-DET's annotations equals its reference script."""

import json
import runpy

import numpy as np
import pytest

from clhoi_mm.evaluation.core import rank_pairs
from clhoi_mm.evaluation.core.pair_table import PairTable
from clhoi_mm.teacher import PRESETS, TeacherCache
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO, find_shared
from tests.tool_utils import run_tool

SHARED = find_shared()
TRIAL = SHARED and SHARED / 'trials/hico_geometry.py'
SOURCE = SHARED and SHARED / 'data/hico_det/instances_test2015.json'
TOOLS = REPO / 'tools/dataset_converters'
VOCABULARY = HOIVocabulary.load('hico_det')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        SHARED is None or not TRIAL.is_file() or not SOURCE.is_file(),
        reason="needs HICO-DET's annotations and the trial beside the "
        'repository',
    ),
]


@pytest.fixture(scope='module')
def trial():
    module = runpy.run_path(str(TRIAL), run_name='trial')
    data, valid, classes = module['load'](SOURCE)
    np.testing.assert_array_equal(valid, VOCABULARY.valid.T)
    return module, data, classes


@pytest.fixture(scope='module')
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp('hico')
    run_tool(
        TOOLS / 'hico_det.py', SOURCE, '--out', 'source.json', cwd=folder
    ).check()
    run_tool(
        TOOLS / 'geometry.py', 'split', 'source.json', '--out', '.', cwd=folder
    ).check()
    return folder


def load_pairs(folder, split):
    """Load the model's boxes, its pairs, and the annotations."""
    from mmengine.registry import init_default_scope

    from clhoi_mm.datasets import HICODetDataset

    init_default_scope('clhoi_mm')
    data = HICODetDataset(
        f'annotations/{split}.json',
        data_root=str(folder),
        test_mode=True,
        pipeline=[
            dict(type=name)
            for name in (
                'LoadImageSize',
                'LoadHOIAnnotations',
                'LoadDetections',
                'PackHOIInputs',
            )
        ],
    )
    samples = [item['data_samples'] for item in data]
    rows = dict(human=[], object=[], label=[], image=[])
    truth = []
    for i, sample in enumerate(samples):
        found = sample.detections
        labels = found.labels.numpy()
        one, other = np.nonzero(
            (labels == VOCABULARY.person_label)[:, None]
            & ~np.eye(len(labels), dtype=bool)
        )
        rows['human'].append(found.bboxes.numpy()[one])
        rows['object'].append(found.bboxes.numpy()[other])
        rows['label'].append(labels[other])
        rows['image'].append(np.full(len(one), i))
        gt = sample.gt_hois
        truth.append(
            PairTable(
                np.full(len(gt.hoi_labels), i),
                gt.human_bboxes.numpy(),
                gt.object_bboxes.numpy(),
                gt.hoi_labels.numpy(),
                np.ones(len(gt.hoi_labels)),
            )
        )
    truth = PairTable(
        *(
            np.concatenate([getattr(table, name) for table in truth])
            for name in PairTable.__dataclass_fields__
        )
    )
    return {k: np.concatenate(v) for k, v in rows.items()}, truth


@pytest.mark.parametrize(
    'split, images, pairs',
    [('train', 5585, 47905), ('val', 975, 8595), ('test', 2836, 23450)],
)
def test_images_pairs_and_boxes(trial, ours, split, images, pairs):
    theirs = trial[1][split]
    mine, _ = load_pairs(ours, split)
    assert len(theirs['bag']) == images == mine['image'][-1] + 1
    assert len(theirs['label']) == pairs
    for key, values in mine.items():
        np.testing.assert_array_equal(values, theirs[key])


@pytest.mark.parametrize('preset', ['weak', 'typical', 'strong'])
def test_teachers_agree(trial, ours, preset):
    module, data, _ = trial
    bag = data['train']['bag']
    noise = PRESETS[preset]
    expected = module['teacher'](
        bag, VOCABULARY.valid.T, noise.precision, noise.recall, seed=1
    )
    run_tool(
        TOOLS / 'geometry.py',
        'teacher',
        'annotations/train.json',
        '--preset',
        preset,
        '--out',
        preset,
        cwd=ours,
    ).check()
    cache = TeacherCache(ours / preset, VOCABULARY)
    content = json.loads((ours / 'annotations/train.json').read_text())
    said = np.zeros_like(bag)
    for row, image in zip(said, content['images']):
        words = cache.get(image['key'])
        row[words['obj_labels'], words['verb_labels']] = True
    np.testing.assert_array_equal(said, expected)


@pytest.mark.parametrize('split', ['val', 'test'])
def test_scores_agree(trial, ours, split):
    module, data, classes = trial
    pairs, truth = load_pairs(ours, split)
    scores = np.random.default_rng(0).random((len(pairs['label']), 117))
    expected = module['mean_ap'](scores, data[split], classes)
    pair, label = np.nonzero(pairs['label'][:, None] == VOCABULARY.hoi_objects)
    result = rank_pairs(
        truth,
        PairTable(
            pairs['image'][pair],
            pairs['human'][pair],
            pairs['object'][pair],
            label,
            scores[pair, VOCABULARY.hoi_verbs[label]],
        ),
        VOCABULARY.hoi_objects,
    ).result()
    metrics = result.summary()
    assert metrics['AP'] / 100 == pytest.approx(expected['ap'], abs=1e-6)
    assert metrics['AP_multi'] / 100 == pytest.approx(
        expected['ap_multi'], abs=1e-6
    )
    assert (~np.isnan(result.ap)).sum() == expected['ap_classes']
    assert (~np.isnan(result.ap_multi)).sum() == expected['ap_multi_classes']
    assert result.num_pairs == len(pairs['label'])
