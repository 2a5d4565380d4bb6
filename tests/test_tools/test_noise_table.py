"""tools/analysis_tools/label_noise.py prints a teacher's confusions."""

import json

import pytest
import torch

from clhoi_mm.models.label_noise import EMLabelNoise, LearnableLabelNoise
from tests.data_utils import REPO
from tests.tool_utils import run_tool

TOOL = REPO / 'tools' / 'analysis_tools' / 'label_noise.py'


@pytest.fixture
def checkpoint(tmp_path):
    """Write a student whose noise model has one confusion."""
    noise = EMLabelNoise('mini', warmup=0, confusion_prior=(0.5, 4.5))
    names = noise.vocabulary.names
    link = (noise.source == names.index('feed horse')) & (
        noise.label == names.index('ride horse')
    )
    noise.iterations += 1
    noise.transition_counts[link] = torch.tensor([9.0, 1.0])
    path = tmp_path / 'epoch_1.pth'
    state = {
        f'label_noise.{name}': value
        for name, value in noise.state_dict().items()
    }
    config = dict(model=dict(teacher_head=dict(vocabulary='mini')))
    torch.save(dict(state_dict=state, meta=dict(cfg=json.dumps(config))), path)
    return path


def test_unfinished_warmup(checkpoint):
    content = torch.load(checkpoint)
    content['state_dict']['label_noise.iterations'].zero_()
    torch.save(content, checkpoint)
    done = run_tool(TOOL, checkpoint, cwd=checkpoint.parent).check()
    assert 'after 0 iterations the warm-up of 0 was not over' in done.text


def test_table_and_matrix(checkpoint, tmp_path):
    out = tmp_path / 'noise.json'
    done = run_tool(TOOL, checkpoint, '--top', 2, '--json', out, cwd=tmp_path)
    lines = done.check().text.splitlines()
    first = next(i for i, line in enumerate(lines) if 'labeled as' in line)
    # (0.5 + 9) / (5 + 10), and the prior's 60 of 100 for recall.
    assert lines[first + 1].split() == [
        'feed',
        'horse',
        'ride',
        'horse',
        '63',
        '60',
    ]
    assert lines[first + 2].split()[-2:] == ['10', '60']
    found = json.loads(out.read_text())
    row = found['transition_probs'][found['names'].index('feed horse')]
    assert row[found['names'].index('ride horse')] == pytest.approx(9.5 / 15)


@pytest.mark.parametrize(
    'args, message',
    [
        ([], 'holds no label_noise'),
        (['--vocabulary', 'hico_det'], 'is not about the classes of hico_det'),
    ],
)
def test_mismatches_are_reported(checkpoint, tmp_path, args, message):
    if not args:
        torch.save(dict(state_dict=dict(x=torch.zeros(1))), checkpoint)
    done = run_tool(TOOL, checkpoint, *args, cwd=tmp_path)
    assert done.code == 1
    assert message in done.text


def test_rates_of_learnable_label_noise(tmp_path):
    noise = LearnableLabelNoise('mini', warmup=0, lr_mult=10.0)
    names = noise.vocabulary.names
    link = (noise.source == names.index('feed horse')) & (
        noise.label == names.index('ride horse')
    )
    noise.confusion_logits.data[link] = 0.2  # Two logits.
    path = tmp_path / 'epoch_1.pth'
    config = dict(
        teacher_head=dict(vocabulary='mini'),
        label_noise=dict(type='LearnableLabelNoise', warmup=0, lr_mult=10.0),
    )
    torch.save(
        dict(
            state_dict={
                f'label_noise.{name}': value
                for name, value in noise.state_dict().items()
            },
            meta=dict(cfg=json.dumps(dict(model=config))),
        ),
        path,
    )
    done = run_tool(TOOL, path, '--top', 1, cwd=tmp_path)
    assert done.check().text.splitlines()[-1].split() == [
        'feed',
        'horse',
        'ride',
        'horse',
        '88',
        '80',
    ]
