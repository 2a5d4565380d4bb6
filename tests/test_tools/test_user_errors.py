"""Frequent user errors give a one-line message with a remedy."""

import cv2
import numpy as np
import pytest

from tests.data_utils import REPO
from tests.tool_utils import (
    MINI,
    TEST,
    TRAIN,
    assert_in,
    run_command,
    run_tool,
)

TOOLS = REPO / 'tools'
ANALYSIS = TOOLS / 'analysis_tools'
OWN = REPO / 'configs' / 'clhoi_r50_unlabeled.py'
ASKING = (
    '--vocab',
    'mini',
    '--out',
    'teacher',
    '--backend',
    'openai',
    '--model',
    'vllm',
    '--options',
    'base_url=http://127.0.0.1:9/v1',
    'retries=0',
)


@pytest.fixture
def bare(tmp_path):
    """Make an empty working folder."""
    (tmp_path / 'checkpoints').symlink_to(REPO / 'checkpoints')
    (tmp_path / 'empty').mkdir()
    return tmp_path


@pytest.mark.parametrize('tool, args, parts', [
    (TRAIN, ['nowhere.py'], ['nowhere.py', 'configs/clhoi_r18_mini.py']),
    (TRAIN, [MINI], ['annotations/train.json', 'make_mini.py']),
    (TRAIN, [OWN], ['data/mine/images', 'check images and data_root']),
    (TRAIN, [MINI, '--cfg-options', 'max_epochs 2'],
     ['max_epochs 2', 'KEY=VALUE']),
    (TEST, ['nowhere.py', 'a.pth'], ['nowhere.py', 'configs/']),
    (TEST, [MINI, 'a.pth'], ['a.pth', 'work_dirs/NAME/epoch_N.pth']),
    (TRAIN, [MINI, '--resume', 'a.pth'], ['a.pth', 'epoch_N.pth']),
    (TEST, [MINI, 'checkpoints/mini_detector.pth'],
     ['annotations/test.json', 'make_mini.py']),
    (ANALYSIS / 'label_noise.py', ['a.pth'], ['a.pth', 'epoch_N.pth']),
    (ANALYSIS / 'cache_detections.py', [MINI, '--out', 'a.safetensors'],
     ['annotations/train.json', 'make_mini.py']),
    (ANALYSIS / 'browse_dataset.py', ['nowhere.py', '--out', 'pictures'],
     ['nowhere.py', 'configs/']),
    (REPO / 'projects/studies/study.py', ['nowhere.py'],
     ['nowhere.py', 'configs/studies/mini.py']),
    (ANALYSIS / 'eval_predictions.py',
     ['--ann', 'a.json', '--pred', 'p.npz', '--metric', 'hico_det'],
     ['a.json', 'tools/dataset_converters']),
    (ANALYSIS / 'compare_predictions.py',
     ['--ann', 'a.json', '--pred', 'p.npz', '--against', 'q.npz'],
     ['a.json', 'tools/dataset_converters']),
    (ANALYSIS / 'hoi_errors.py', ['--ann', 'a.json', '--pred', 'p.npz'],
     ['a.json', 'tools/dataset_converters']),
    (ANALYSIS / 'benchmark.py',
     ['evaluation', '--ann', 'a.json', '--metric', 'hico_det'],
     ['a.json', 'tools/dataset_converters']),
    (TOOLS / 'teacher/annotate.py', ['run', '--images', 'empty', *ASKING],
     ['empty: there is no image']),
])  # fmt: skip
def test_error_has_a_remedy_and_no_traceback(bare, tool, args, parts):
    done = run_tool(tool, *args, cwd=bare)
    assert done.code not in (0, None)
    assert 'Traceback' not in done.text
    assert_in(done.text, *parts)


def test_teacher_failures_are_explained(bare):
    cv2.imwrite(str(bare / 'empty' / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    done = run_tool(
        TOOLS / 'teacher/annotate.py',
        'describe',
        '--images',
        'empty',
        *ASKING,
        cwd=bare,
    )
    assert_in(done.text, 'failed: connection (1)', 'reasons: teacher/failures')
    reasons = list((bare / 'teacher' / 'failures').iterdir())
    assert 'connection' in reasons[0].read_text()


@pytest.mark.parametrize(
    'tool',
    [
        'analysis_tools/browse_dataset.py',  # begins with a data set
        'deployment/export_interactions.py',  # begins with transforms
    ],
)
def test_silences_what_mmdet_prints_at_import(tmp_path, tool):
    done = run_command('python', TOOLS / tool, '--help', cwd=tmp_path).check()
    assert 'usage: ' in done.text and 'OneDL' not in done.text
