"""analyze_logs.py and print_config.py on the command line."""

import json

import cv2
import pytest
from mmengine.config import Config

from tests.data_utils import REPO
from tests.tool_utils import MINI, assert_in, run_command, run_tool

LOGS = REPO / 'tools' / 'analysis_tools' / 'analyze_logs.py'
PRINT = REPO / 'tools' / 'analysis_tools' / 'print_config.py'


def write_run(work_dir, name, first_epoch, last_epoch, seconds):
    """Write a run's log, two lines and mAP per epoch."""
    rows = []
    for epoch in range(first_epoch, last_epoch + 1):
        for half in (0, 1):
            step = 50 * epoch - 50 + 25 * (half + 1)
            rows.append(
                dict(
                    loss=10 / step,
                    loss_context=5 / step,
                    data_time=0.02 if name == '2' else 0.01,
                    # Data loaders start in an epoch's first line.
                    time=seconds[epoch] + (9 if half == 0 else 0),
                    epoch=epoch,
                    iter=step,
                    step=step,
                )
            )
        rows.append({'hico_det/mAP': 4.0 * epoch, 'time': 1.0, 'step': epoch})
    folder = work_dir / name / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text(
        ''.join(json.dumps(row) + '\n' for row in rows)
    )
    return folder / 'scalars.json'


@pytest.fixture
def resumed(tmp_path):
    """Write the work dir of a killed and resumed run."""
    log = write_run(tmp_path / 'runs', '1', 1, 3, {1: 0.1, 2: 0.3, 3: 99.0})
    log.write_text(log.read_text() + '{"loss": 1.')
    write_run(tmp_path / 'runs', '2', 3, 4, {3: 0.2, 4: 0.2})
    return tmp_path / 'runs'


def test_times_of_a_resumed_run(resumed, tmp_path):
    single = resumed / '2' / 'vis_data' / 'scalars.json'
    done = run_command(
        'python', LOGS, 'cal_train_time', resumed, single, cwd=tmp_path
    ).check()
    # The mean of .1, .3, .2, .2; deviations -.1, .1, 0, 0.
    assert done.text == (
        f'{resumed}: 4 epochs\n'
        '  slowest epoch 2: 0.3000 s/iter\n'
        '  fastest epoch 1: 0.1000 s/iter\n'
        '  time std over epochs: 0.0707\n'
        '  average iter time: 0.2000 s/iter\n'
        '  of it waiting for data: 0.0150 s/iter\n'
        f'{single}: 2 epochs\n'
        '  slowest epoch 3: 0.2000 s/iter\n'
        '  fastest epoch 3: 0.2000 s/iter\n'
        '  time std over epochs: 0.0000\n'
        '  average iter time: 0.2000 s/iter\n'
        '  of it waiting for data: 0.0200 s/iter\n'
    )
    done = run_command(
        'python',
        LOGS,
        'cal_train_time',
        single,
        '--include-outliers',
        cwd=tmp_path,
    ).check()
    assert 'average iter time: 4.7000 s/iter' in done.text


def test_curves_of_two_logs(resumed, tmp_path):
    done = run_command(
        'python',
        LOGS,
        'plot_curve',
        resumed,
        resumed / '1' / 'vis_data' / 'scalars.json',
        '--keys',
        'loss_context',
        'mAP',
        '--title',
        'runs',
        '--legend',
        'a',
        'b',
        'c',
        'd',
        '--out',
        'plots/curves.png',
        cwd=tmp_path,
    ).check()
    assert done.text == '4 curves in plots/curves.png\n'
    # Iterations on the left, epochs on the right.
    height, width, _ = cv2.imread(str(tmp_path / 'plots/curves.png')).shape
    assert width > 2.5 * height
    assert [path.name for path in (tmp_path / 'plots').iterdir()] == [
        'curves.png'
    ]


@pytest.mark.parametrize('args, parts', [
    (['runs', '--keys', 'acc'], ['runs', "'acc'", 'loss_context']),
    (['nowhere'], ['nowhere']),
    (['empty'], ['empty', 'scalars.json']),
    (['notes.json'], ['notes.json, line 1', 'vis_data/scalars.json']),
    (['runs', '--legend', 'a', 'b'], ['--legend', '1 curves']),
    (['runs', '--out', 'curves.xyz'], ['curves.xyz', '.png']),
])  # fmt: skip
def test_unplottable_values_are_errors(resumed, tmp_path, args, parts):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'notes.json').write_text('a\nb\n')
    if '--out' not in args:
        args = [*args, '--out', 'curves.png']
    done = run_tool(LOGS, 'plot_curve', *args, cwd=tmp_path)
    assert done.code != 0 and 'Traceback' not in done.text
    assert_in(done.text, 'analyze_logs.py: ', *parts)
    assert not (tmp_path / 'curves.png').exists()


@pytest.mark.parametrize('suffix', ['py', 'json', 'yml'])
def test_config_is_printed_and_saved(tmp_path, suffix):
    name = f'configs/whole.{suffix}'
    done = run_tool(
        PRINT,
        MINI,
        '--save-path',
        name,
        '--cfg-options',
        'train_cfg.max_epochs=2',
        'model.icn.num_layers=3',
        cwd=tmp_path,
    ).check()
    assert "type='CLHOI'" in done.text and 'num_layers=3' in done.text
    expected = Config.fromfile(MINI)
    expected.train_cfg.max_epochs = 2
    expected.model.icn.num_layers = 3
    saved = Config.fromfile(tmp_path / name)
    assert saved.model.icn == expected.model.icn
    assert saved.train_cfg == expected.train_cfg
    assert [path.name for path in (tmp_path / 'configs').iterdir()] == [
        f'whole.{suffix}'
    ]


def test_config_errors(tmp_path):
    done = run_tool(PRINT, 'nowhere.py', cwd=tmp_path)
    assert done.code != 0 and 'Traceback' not in done.text
    assert_in(done.text, 'nowhere.py')
    done = run_tool(PRINT, MINI, '--save-path', 'config.txt', cwd=tmp_path)
    assert done.code == 2
    assert_in(done.text, 'config.txt', '.json')
