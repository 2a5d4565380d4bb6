import json

import cv2
import pytest

from clhoi_mm.teacher import simulate_cache
from tests.data_utils import REPO, write_tiny
from tests.tool_utils import run_tool

TOOL = REPO / 'tools/analysis_tools/browse_dataset.py'


@pytest.fixture(scope='module')
def workplace(tmp_path_factory):
    """Write the tiny data set, its cache and a config."""
    folder = tmp_path_factory.mktemp('browse')
    ann_file = write_tiny(folder / 'data/hico_det')
    simulate_cache(ann_file, 'hico_det', folder / 'words', 'perfect')
    (folder / 'config.py').write_text(f"""
_base_ = '{REPO}/configs/clhoi_r50_hico.py'
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img=''),
        pipeline=[
            dict(type='LoadImage', orientation='stored'),
            dict(type='LoadHOIAnnotations'),
            dict(type='LoadTeacherKnowledge', cache='words',
                 vocabulary='hico_det'),
            dict(type='RandomFlip', prob=1.),
            dict(type='PackHOIInputs')]))
""")
    return folder


def run(workplace, tmp_path, *args):
    return run_tool(TOOL, 'config.py', '--out', tmp_path, *args, cwd=workplace)


def size(path):
    return cv2.imread(str(path)).shape[:2]


def test_pairs_and_pseudo_labels_are_drawn(workplace, tmp_path):
    done = run(workplace, tmp_path, '--num', '0').check()
    assert '5 of 5 images with 6 annotated pairs' in done.text
    names = sorted(p.name for p in tmp_path.glob('train/*.png'))
    assert names == [
        'busy.png',
        'empty.png',
        'invisible.png',
        'no_people.png',
        'odd_boxes.png',
    ]
    done = run(
        workplace,
        tmp_path / 'b',
        '--keys',
        'train/busy.png',
        '--teacher',
        'none',
    ).check()
    assert '1 of 5 images with 4 annotated pairs' in done.text
    with_words, without = (
        size(folder / 'train/busy.png')
        for folder in (tmp_path, tmp_path / 'b')
    )
    assert with_words[1] == without[1] and with_words[0] > without[0] + 20
    picture, scene = (
        cv2.imread(str(folder / 'train/busy.png'))
        for folder in (tmp_path / 'b', workplace / 'data/hico_det')
    )
    plain = cv2.resize(scene, picture.shape[1::-1])
    assert (abs(picture.astype(int) - plain) > 60).any(2).mean() > 0.02


def test_zero_shot_training_set_is_shown(workplace, tmp_path):
    vocab = json.loads(
        (REPO / 'clhoi_mm/vocabulary/data/hico_det.json').read_text()
    )
    ride = [
        i
        for i, (v, o) in enumerate(vocab['hois'])
        if (vocab['verbs'][v], vocab['objects'][o]) == ('ride', 'bicycle')
    ]
    done = run(
        workplace,
        tmp_path,
        '--keys',
        'train/busy.png',
        '--cfg-options',
        f'train_dataloader.dataset.zero_shot={ride}',
    ).check()
    assert '1 of 5 images with 2 annotated pairs' in done.text


def test_bad_input_is_a_one_line_error(workplace, tmp_path):
    done = run(workplace, tmp_path, '--keys', 'a.png')
    assert done.code == 1
    last = done.text.splitlines()[-1]
    assert last.startswith('browse_dataset.py:') and "'a.png'" in last
    done = run(workplace, tmp_path, '--teacher', 'nowhere')
    assert done.code == 1
    assert 'nowhere' in done.text.splitlines()[-1]
