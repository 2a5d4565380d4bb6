"""Data set converters on the command line."""

import json
import sys

from PIL import Image

from tests.data_utils import REPO
from tests.hico_files import hoi, image, ppdm_content, write_json, write_mat
from tests.test_annotations.test_custom import COCO as BOXES
from tests.test_annotations.test_custom import CSV
from tests.tool_utils import run_command
from tests.v_coco_files import COCO, official, pairs_content

TOOLS = REPO / 'tools/dataset_converters'
MAKE_MINI = REPO / 'projects/mini_world/make_mini.py'
TEST = [
    image(
        'HICO_test2015_00000007.jpg',
        (50, 40),
        hoi('ride horse', [(1, 1, 9, 9)], [(2, 2, 9, 9)], [(1, 1)]),
    )
]


def run(tool, *args, cwd):
    return run_command('python', TOOLS / f'{tool}.py', *args, cwd=cwd)


def test_hico_det(tmp_path):
    source = write_mat(tmp_path / 'anno_bbox.mat', [], TEST)
    done = run('hico_det', source, cwd=tmp_path).check()
    for words in (
        'data/hico_det/annotations/test.json: from HICO-DET',
        '1 images, 0 of them without pairs',
        '1 pairs of 1 classes',
        'attention: 462 classes are not rare or non-rare',
    ):
        assert words in done.text
    content = json.loads(
        (tmp_path / 'data/hico_det/annotations/test.json').read_text()
    )
    assert content['images'][0]['width'] == 50


def test_hico_det_errors_and_skipped_records(tmp_path):
    content = ppdm_content(TEST * 2)
    content[1]['file_name'] = 'HICO_test2015_00000008.jpg'
    content[1]['hoi_annotation'][0]['object_id'] = 5
    source = write_json(tmp_path / 'test_hico.json', content)
    done = run('hico_det', source, '--out', 'out.json', cwd=tmp_path)
    assert done.code == 1 and 'Traceback' not in done.text
    last = done.text.splitlines()[-1]
    assert last.startswith('hico_det.py: ')
    assert 'HICO_test2015_00000008' in last and '--drop-inconsistent' in last
    assert not (tmp_path / 'out.json').exists()
    done = run(
        'hico_det',
        source,
        '--out',
        'out.json',
        '--drop-inconsistent',
        cwd=tmp_path,
    ).check()
    assert "attention: the images' sizes are from the extent" in done.text
    assert 'dropped 1 of 1 pairs' in done.text


def test_v_coco(tmp_path):
    write_json(tmp_path / 'vcoco_test.json', official())
    write_json(tmp_path / 'coco.json', COCO)
    write_json(tmp_path / 'instances_vcoco_test.json', pairs_content())
    done = run(
        'v_coco',
        'vcoco_test.json',
        '--coco',
        'coco.json',
        '--out',
        'a/test.json',
        cwd=tmp_path,
    ).check()
    assert '3 persons labeled for interactions, 1 not' in done.text
    assert '10 rows of 9 action roles, 4 of them with an object' in done.text
    assert 'attention' not in done.text
    done = run(
        'v_coco',
        'instances_vcoco_test.json',
        '--out',
        'b/test.json',
        cwd=tmp_path,
    ).check()
    assert 'the pairs of 24 action roles alone' in done.text
    (tmp_path / 'some.ids').write_text('30\n')
    run(
        'v_coco', 'instances_vcoco_test.json', '--ids', 'some.ids',
        '--out', 'd/test.json', cwd=tmp_path,
    ).check()  # fmt: skip
    listed = json.loads((tmp_path / 'd/test.json').read_text())['images']
    assert [image['id'] for image in listed] == [30]
    subset = ('--images', 'photos', '--skip-missing', '--out', 'e/test.json')
    done = run('v_coco', 'instances_vcoco_test.json', *subset, cwd=tmp_path)
    assert done.code == 1 and 'no such image, as none of 2' in done.text
    photo = tmp_path / 'photos/val2014/COCO_val2014_000000000020.jpg'
    photo.parent.mkdir(parents=True)
    Image.new('RGB', (640, 480)).save(photo)
    done = run(
        'v_coco', 'instances_vcoco_test.json', *subset, cwd=tmp_path
    ).check()
    assert 'attention: 1 images are not in photos and left out' in done.text
    (kept,) = json.loads((tmp_path / 'e/test.json').read_text())['images']
    assert (kept['id'], kept['width'], kept['height']) == (20, 640, 480)
    done = run(
        'v_coco', 'vcoco_test.json', '--out', 'c/test.json', cwd=tmp_path
    )
    assert done.code == 1 and done.text.startswith('v_coco.py: vcoco_test')
    assert '--coco instances_train2014.json' in done.text


def test_custom(tmp_path):
    write_json(tmp_path / 'boxes.json', BOXES)
    (tmp_path / 'pairs.csv').write_text(CSV)
    done = run(
        'custom',
        'boxes.json',
        'pairs.csv',
        '--out',
        'train.json',
        cwd=tmp_path,
    ).check()
    assert 'train.json: 2 images, 4 boxes, 4 pairs' in done.text
    assert 'train_vocabulary.json, 3 verbs, 2 classes' in done.text
    done = run(
        'custom', 'boxes.json', 'none.csv', '--out', 'x.json', cwd=tmp_path
    )
    assert done.code == 1 and 'none.csv: no such file' in done.text


# A Python without the training packages.
LAPTOP = (
    'import os, runpy, sys\n'
    'for name in ("torch", "torchvision", "mmcv", "mmdet", "mmengine"):\n'
    '    sys.modules[name] = None\n'
    'sys.argv = sys.argv[1:]\n'
    'sys.path[0] = os.path.dirname(sys.argv[0])\n'
    'runpy.run_path(sys.argv[0], run_name="__main__")\n'
)


def run_without_torch(tool, *args, cwd):
    return run_command(
        sys.executable, '-c', LAPTOP, TOOLS / tool, *args, cwd=cwd
    ).check()


def test_converters_run_without_torch(tmp_path):
    """The output equals bitwise that of a run with torch."""
    write_json(tmp_path / 'test_hico.json', ppdm_content(TEST))
    write_json(tmp_path / 'vcoco_test.json', official())
    write_json(tmp_path / 'coco.json', COCO)
    write_json(tmp_path / 'boxes.json', BOXES)
    (tmp_path / 'pairs.csv').write_text(CSV)
    for tool, *args in (
        ('hico_det', 'test_hico.json'),
        ('v_coco', 'vcoco_test.json', '--coco', 'coco.json'),
        ('custom', 'boxes.json', 'pairs.csv'),
    ):
        run_without_torch(
            f'{tool}.py', *args, '--out', 'laptop.json', cwd=tmp_path
        )
        run(tool, *args, '--out', 'here.json', cwd=tmp_path).check()
        written = (tmp_path / 'laptop.json').read_bytes()
        assert written and written == (tmp_path / 'here.json').read_bytes()


def test_mini_world_is_generated_without_torch(tmp_path):
    sizes = ('--num-train', '40', '--num-val', '2', '--num-test', '2')
    run_without_torch(MAKE_MINI, '--out', 'mini', *sizes, cwd=tmp_path)
    ann = 'mini/annotations/train.json'
    mini = ('--vocabulary', 'mini')
    done = run_without_torch(
        'geometry.py', 'split', ann, '--out', 'boxes', *mini, cwd=tmp_path
    )
    assert 'boxes/annotations/test.json' in done.text
    run_without_torch(
        *('geometry.py', 'teacher', ann, '--out', 'teacher', *mini),
        *('--preset', 'weak'),
        cwd=tmp_path,
    )
    run_without_torch(
        *('geometry.py', 'rare', ann, '--out', 'rare.json', *mini),
        *('--number', '2'),
        cwd=tmp_path,
    )
    assert len(json.loads((tmp_path / 'rare.json').read_text())) == 2


def test_missing_mini_world_names_its_generator(tmp_path):
    code = LAPTOP.replace('"torch", ', '"torch", "cv2", ')
    done = run_command(sys.executable, '-c', code, MAKE_MINI, cwd=tmp_path)
    assert done.code == 1 and 'Traceback' not in done.text
    assert 'pip install opencv-python-headless' in done.text
