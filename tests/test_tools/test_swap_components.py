"""swap_components.py compares the parts of two students."""

import re

import pytest
import torch
from mmengine.registry import init_default_scope

from clhoi_mm.config_file import read_config
from clhoi_mm.registry import MODELS
from tests.data_utils import REPO
from tests.tool_utils import (
    MINI,
    TEST,
    assert_in,
    make_world,
    options,
    read_metrics,
    run_tool,
)

TOOL = REPO / 'tools' / 'analysis_tools' / 'swap_components.py'


def write_student(path, model, seed):
    """Write a student with random weights."""
    torch.manual_seed(seed)
    for part in (model.icn, model.vlt):
        for param in part.parameters():
            param.data.normal_(0, 0.2)
    path.parent.mkdir()
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a folder with the mini world and two students."""
    world = make_world(tmp_path_factory.mktemp('world'), 2, 2, 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(world)
        init_default_scope('clhoi_mm')
        model = MODELS.build(read_config(str(MINI)).model)
        model.teacher_head.classifier.encode_phrases()
        for seed, name in enumerate(('one', 'other')):
            write_student(world / name / 'epoch_1.pth', model, seed)
        next(model.detector.parameters()).data.add_(1.0)
        write_student(world / 'elsewhere' / 'epoch_1.pth', model, 0)
    return world


def tables(text):
    """Return the cells of the printed tables."""
    rows = re.findall(
        r'^\| (?:one|other) \| ([\d.]+) \| ([\d.]+) \|$', text, re.M
    )
    cells = [[float(cell) for cell in row] for row in rows]
    return cells[:2], cells[2:]


def test_unswapped_students_have_their_test_metrics(world):
    done = run_tool(
        TOOL,
        MINI,
        'one/epoch_1.pth',
        'other/epoch_1.pth',
        '--split',
        'test',
        cwd=world,
    ).check()
    parts, interactiveness = tables(done.text)
    assert len(parts) == len(interactiveness) == 2, done.text
    for i, name in enumerate(('one', 'other')):
        alone = run_tool(
            TEST,
            MINI,
            f'{name}/epoch_1.pth',
            '--eval',
            'mAP',
            '--work-dir',
            'tested',
            cwd=world,
        ).check()
        figure = read_metrics(alone.text)['mAP']
        assert figure > 0
        assert parts[i][i] == pytest.approx(figure, abs=0.051)
    # The second table has the classes of the first student.
    assert [interactiveness[i][i] for i in (0, 1)] == [row[0] for row in parts]
    assert parts[0] != parts[1]


def test_other_metrics_and_names(world):
    done = run_tool(
        TOOL,
        MINI,
        'one/epoch_1.pth',
        'one/epoch_1.pth',
        '--names',
        'words',
        'labels',
        '--metric',
        'mAP_rare',
        '--split',
        'test',
        cwd=world,
    ).check()
    assert_in(
        done.text,
        'mAP_rare, test split: interactiveness of (row)',
        '| words |',
        'classes of words',
    )


@pytest.mark.parametrize(
    'args, message',
    [
        (['one/epoch_1.pth'], 'give two checkpoints or more'),
        (['one/epoch_1.pth', 'one/epoch_1.pth'], 'give --names'),
        (
            ['one/epoch_1.pth', 'other/epoch_1.pth', '--names', 'a'],
            '--names: 1 for 2 checkpoints',
        ),
        (
            ['one/epoch_1.pth', 'other/epoch_2.pth'],
            'other/epoch_2.pth: no such checkpoint',
        ),
        (
            ['one/epoch_1.pth', 'other/epoch_1.pth', '--metric', 'AP_large'],
            '--metric AP_large: unknown; the metric gives mAP',
        ),
        (
            [
                'one/epoch_1.pth',
                'other/epoch_1.pth',
                *options('model.icn.embed_dims=64', 'model.vlt.embed_dims=64'),
            ],
            'one/epoch_1.pth is no checkpoint of this config',
        ),
        (
            ['one/epoch_1.pth', 'elsewhere/epoch_1.pth'],
            'elsewhere/epoch_1.pth differs from one/epoch_1.pth in detector.',
        ),
        (
            [
                'one/epoch_1.pth',
                'other/epoch_1.pth',
                *options('model.interaction_loss=None'),
            ],
            'no ICN with an interactiveness head',
        ),
    ],
)
def test_mismatches_are_reported(world, args, message):
    done = run_tool(TOOL, MINI, *args, cwd=world)
    assert done.code
    assert_in(done.text, message)
