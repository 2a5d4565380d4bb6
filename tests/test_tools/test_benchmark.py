"""benchmark.py runs without data or weights."""

import json
import subprocess

import pytest

from tests.data_utils import REPO
from tests.tool_utils import run_tool

BENCHMARK = REPO / 'tools/analysis_tools/benchmark.py'
MINI = str(REPO / 'configs/clhoi_r18_mini.py')


@pytest.mark.slow
def test_rows_table_and_plot(tmp_path):
    done = run_tool(
        BENCHMARK,
        MINI,
        *'--pairs 1 7 --batch 1 2 --size 64 96 --repeat 3 '
        '--threads 1 --json rows.json --plot plot.png'.split(),
        cwd=tmp_path,
    ).check()
    rows = json.loads((tmp_path / 'rows.json').read_text())
    assert [(r['batch'], r['pairs']) for r in rows] == [
        (1, 1),
        (1, 7),
        (2, 1),
        (2, 7),
    ]
    for row in rows:
        parts = [
            row[f'{part}_ms']
            for part in (
                'load',
                'detector',
                'own',
                'vlt',
                'icn',
                'post',
                'hoi',
                'image',
            )
        ]
        assert min(parts) > 0
    assert rows[1]['peak_mb'] > rows[0]['peak_mb'] > 0
    assert 'threads' in done.text and '| pairs | batch |' in done.text
    assert (tmp_path / 'plot.png').stat().st_size > 1000


@pytest.mark.slow
def test_training_steps(tmp_path):
    run_tool(
        BENCHMARK,
        MINI,
        *'--train --batch 2 --pairs 6 --size 64 96 '
        '--repeat 3 --json rows.json'.split(),
        cwd=tmp_path,
    ).check()
    (row,) = json.loads((tmp_path / 'rows.json').read_text())
    assert row['detector_ms'] > 0 and row['cached_ms'] > 0
    assert row['live_ratio'] == row['live_ms'] / row['detector_ms']
    assert row['speedup'] == row['live_ms'] / row['cached_ms']


@pytest.mark.slow
@pytest.mark.parametrize('revision', ['0273ea4', 'HEAD'])
def test_revisions_take_turns(tmp_path, revision):
    """The first has other names of classes, options and this benchmark."""
    command = ['git', 'cat-file', '-e', revision]
    if subprocess.run(command, cwd=REPO, capture_output=True).returncode:
        pytest.skip('no git history here')
    done = run_tool(
        BENCHMARK,
        MINI,
        *f'--beside {revision} --pairs 2 7 --batch 2 --size 64 96 --repeat 3 '
        '--threads 1 --json rows.json'.split(),
        cwd=tmp_path,
    ).check()
    rows = json.loads((tmp_path / 'rows.json').read_text())
    assert [(r['batch'], r['pairs']) for r in rows] == [(2, 2), (2, 7)]
    for row in rows:
        for kind in ('', 'median_'):
            ratio = row[f'hoi_{kind}ms'] / row[f'beside_{kind}ms']
            assert row[f'{kind}ratio'] == ratio > 0
        assert row['hoi_ms'] <= row['hoi_median_ms']
    assert '| pairs | batch | beside_ms | hoi_ms | ratio |' in done.text


def test_unknown_revision(tmp_path):
    done = run_tool(BENCHMARK, 'x.py', '--beside', 'HEAD', cwd=tmp_path)
    assert done.code == 1 and 'a config of this repository' in done.text
    done = run_tool(
        BENCHMARK, MINI, '--beside', 'no-such-revision', cwd=tmp_path
    )
    assert done.code == 1 and '--beside no-such-revision: ' in done.text
    assert 'Traceback' not in done.text


def test_wrong_options(tmp_path):
    for options, reason in (
        ('--pairs 0', '1 or more'),
        ('--clock cpu', '--threads 1'),
        ('--train --plot x.png', 'leave --train out'),
        ('--beside HEAD --train', 'leave --train and --plot out'),
    ):
        done = run_tool(BENCHMARK, *options.split(), cwd=tmp_path)
        assert done.code == 2 and reason in done.text


def test_flops_by_part(tmp_path):
    """Parts sum to the total, and more pairs cost more."""
    rows = []
    for pairs in ('4', '8'):
        done = run_tool(
            REPO / 'tools/analysis_tools/get_flops.py',
            MINI,
            '--pairs',
            pairs,
            '--size',
            '64',
            '96',
            cwd=tmp_path,
        ).check()
        cells = [
            row.strip('|').split('|')
            for row in done.text.splitlines()
            if row.startswith('| ')
        ][1:]
        rows.append(
            {
                name.strip().split(',')[0]: [float(x) for x in values]
                for name, *values in cells
            }
        )
    few, many = rows
    assert few['VLT'] == many['VLT'] and few['VLT'][0] == few['VLT'][1] > 0
    assert few['ICN'][0] == many['ICN'][0]
    assert many['ICN'][2] > few['ICN'][2] > 0
    assert few['detector: backbone and neck'][1] == 0
    parts = [values for name, values in few.items() if name != 'all']
    for i, total in enumerate(few['all']):
        assert abs(total - sum(values[i] for values in parts)) < 0.05
