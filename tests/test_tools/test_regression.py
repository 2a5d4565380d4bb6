"""regression.py records and compares results."""

import json
import runpy

import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData

from clhoi_mm.structures import HOIDataSample
from tests.data_utils import REPO
from tests.tool_utils import assert_in, options, run_tool

TOOL = REPO / 'tools/analysis_tools/regression.py'
CASE = 'mini/label-free-counted-2'


@pytest.mark.slow
def test_compares_with_recorded_results(tmp_path):
    def run(command, *others):
        return run_tool(
            TOOL, command, 'r.json', '--only', CASE, *others, cwd=tmp_path
        )

    done = run('record').check()
    assert '1 cases, written to' in done.text
    record = json.loads((tmp_path / 'r.json').read_text())
    assert list(record['cases']) == [CASE]
    rows = record['cases'][CASE]['iterations']
    assert len(rows) == 60
    # Adam's first steps have changed the loss.
    assert rows[0][0] != rows[1][0]
    assert max(record['cases'][CASE]['metrics']) > 5

    done = run('compare').check()
    assert '1 of 1 recorded cases, largest difference 0\n' in done.text

    # The first iterations use context distillation only.
    changed = 'model.interaction_loss.extra_positive_prior=0.31'
    done = run('compare', *options(changed))
    assert done.code == 1
    (line,) = [x for x in done.text.split('\n') if x.startswith('DIFFERENT')]
    assert line.startswith(f'DIFFERENT {CASE}: iteration 7: total loss: ')
    assert f'loss: {rows[6][0]!r}; now iteration 7: total loss: ' in line
    now = float(line.rsplit(' ', 1)[1])
    assert 1e-5 < abs(now - rows[6][0]) < 1

    metrics = record['cases'][CASE]['metrics']
    metrics[0] += 1
    (tmp_path / 'r.json').write_text(json.dumps(record))
    done = run('compare')
    assert done.code == 1
    assert_in(done.text, f'DIFFERENT {CASE}: metric 1 by size: {metrics[0]!r}')


@pytest.mark.slow
def test_trains_in_double_precision(tmp_path):
    def run(command, *others):
        return run_tool(
            TOOL,
            *(command, 'r.json', '--only', CASE, *others),
            *options('train_cfg.max_epochs=3'),
            cwd=tmp_path,
        )

    def losses():
        record = json.loads((tmp_path / 'r.json').read_text())
        rows = record['cases'][CASE]['iterations']
        return torch.tensor([row[0] for row in rows], dtype=torch.float64)

    run('record').check()
    single = losses()
    assert torch.equal(single.float().double(), single)
    done = run('compare', '--double')
    assert done.code == 1
    assert_in(
        done.text, "'threads': 1} when it was recorded", "'double': True"
    )

    run('record', '--double').check()
    # A loss that was rounded to single precision has no further digits.
    assert not (losses().float().double() == losses()).any()
    # The weights at the start are other draws.
    torch.testing.assert_close(losses()[0], single[0], rtol=0.01, atol=0)
    done = run('compare', '--double').check()
    assert f'{CASE}: largest difference 0\n' in done.text


def test_casts_all_floats_of_a_batch():
    to_double = runpy.run_path(str(TOOL))['to_double']
    sample = HOIDataSample(metainfo=dict(img_id=3))
    sample.gt_hois = InstanceData(
        scores=torch.rand(2), labels=torch.ones(2, 1).long()
    )
    sample.teacher = BaseDataElement(
        valid=torch.tensor(True), embed=torch.rand(4).half()
    )
    (cast,) = to_double(dict(inputs=[], data_samples=[sample]))['data_samples']
    assert type(cast) is HOIDataSample and cast.img_id == 3
    assert cast.gt_hois.scores.dtype == torch.float64
    assert cast.gt_hois.labels.dtype == torch.int64
    assert cast.teacher.embed.dtype == torch.float64
    assert cast.teacher.valid.dtype == torch.bool
    assert torch.equal(cast.gt_hois.scores.float(), sample.gt_hois.scores)


def test_additional_values_are_ignored_and_reported():
    tool = runpy.run_path(str(TOOL))
    before = dict(
        iterations=[[3.0, 1.0, 1.0, 2.0]], metrics=[40.0], names=['a']
    )
    after = dict(
        iterations=[[3.0, 1.0, 0.5, 1.0, 2.0]],
        metrics=[40.0, 50.0],
        names=['a', 'b'],
    )
    assert tool['compare'](before, after) == (0.0, None)
    assert tool['compare'](after, before) == (0.0, None)
    assert tool['describe_surplus'](before, after) == '2 additional values (b)'
    assert tool['describe_surplus'](after, before) == '2 missing values (b)'
    assert tool['describe_surplus'](after, after) is None
    after['iterations'][0][4] = 2.1
    assert tool['compare'](before, after)[0] > 0.01


@pytest.mark.parametrize(
    'content, parts',
    [
        ('{"cases": {}}', ['r.json: no record; write one by `record`']),
        ('[1', ['r.json: no record']),
        (
            '{"environment": {"torch": "1.0"}, "cases": {}}',
            ["r.json: environment: {'torch': '1.0'} when it was recorded"],
        ),
        (None, ['No such file', 'r.json']),
    ],
)
def test_incomparable_results_are_errors(tmp_path, content, parts):
    if content:
        (tmp_path / 'r.json').write_text(content)
    done = run_tool(TOOL, 'compare', 'r.json', cwd=tmp_path)
    assert done.code == 1 and 'Traceback' not in done.text
    assert_in(done.text, *parts)


def test_skipped_cases_are_reported(tmp_path):
    args = ('record', 'r.json', '--only', 'photos', '--photos', 'none')
    done = run_tool(TOOL, *args, cwd=tmp_path)
    assert done.code == 1 and not (tmp_path / 'r.json').exists()
    assert_in(done.text, 'photos: skipped, no ', 'no case was run; see --only')
