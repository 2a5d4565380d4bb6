"""projects/studies/study.py with an instant fake experiment."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.data_utils import REPO
from tests.tool_utils import Done, assert_in, run_command

TOOL = REPO / 'projects/studies/study.py'
# Importing torch would take most of each run's time.
RUNNER = """
from mmengine.registry import RUNNERS


@RUNNERS.register_module()
class StandIn:

    @classmethod
    def from_cfg(cls, cfg):
        return cls(cfg)

    def __init__(self, cfg):
        self.cfg, self.bonus = cfg, 0

    def train(self):
        if self.cfg.model.get('broken'):
            raise RuntimeError('a loss is not finite')
        print('reads', open(self.cfg.train_dataloader.cache).read())
        self.bonus = self.cfg.model.bonus

    def test(self):
        metric = 10 + self.bonus + self.cfg.randomness.seed
        return {f'tiny/{self.cfg.test_evaluator.name}': metric}
"""
CONFIG = """
custom_imports = dict(imports=['stand_in'])
runner_type = 'StandIn'
randomness = dict(seed=0)
model = dict(bonus=10, vlt=None)
train_dataloader = dict(cache='cache')
val_dataloader = test_dataloader = dict()
val_evaluator = dict()
test_evaluator = dict(name='AP')
"""
STUDY = """
config = 'base.py'
seeds = [0, 1]
metrics = dict(AP='AP')
reference = dict(row='full', metric='AP', title='of full')
rows = {
    'random': dict(title='guessed', baseline='random', seeds=[0]),
    'free': dict(title='label-free'),
    'bad': dict(title='broken', options={'model.broken': True}, seeds=[0]),
    'full': dict(title='all labels', options={'model.bonus': 30}, seeds=[0]),
}
prepare = [dict(path='cache', command='python make.py "two words"')]
plots = [
    dict(kind='lines', file='growth.svg', metric='AP',
         series={'label-free': [(1, 'random', 'full'), (2, 'free', 'full')]}),
    dict(kind='lines', file='bad.svg', metric='AP',
         series={'bad': [(1, 'bad')]}),
]
"""
TABLE = """
| test split, seeds [0] | AP | of full |
|---|---|---|
| guessed | 10.0 | 0.25 |
| label-free (seeds 0, 1) | 20.5 ± 0.7 | 0.51 |
| broken (not run yet) | – |  |
| all labels | 40.0 | 1.00 |
"""


FILES = {
    'stand_in.py': RUNNER,
    'base.py': CONFIG,
    'tiny.py': STUDY,
    'make.py': 'import sys\nopen("cache", "a").write(sys.argv[1])',
}


def new_study(folder: Path) -> Path:
    """Make a folder with a study without results."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def run_study(folder: Path, *args: str) -> Done:
    """Run the tool on a folder's study, like a user."""
    return run_command(
        'python', TOOL, 'tiny.py', *args, cwd=folder, modules=folder
    )


def results(folder: Path) -> list:
    return sorted((folder / 'work_dirs/tiny_study/results').glob('*.json'))


@pytest.fixture(scope='module')
def measured(tmp_path_factory):
    """Return a folder whose study was run, and the outcome."""
    folder = new_study(tmp_path_factory.mktemp('study'))
    return folder, run_study(folder, '--jobs', '2')


@pytest.fixture
def folder(measured, tmp_path):
    """Copy the folder with results."""
    return Path(shutil.copytree(measured[0], tmp_path / 'study'))


def test_table_without_results(tmp_path):
    done = run_study(new_study(tmp_path), '--table')
    assert done.code == 1
    assert_in(
        done.text, 'work_dirs/tiny_study/results: no result of these runs'
    )


def test_failure_is_reported_and_others_are_shown(measured):
    folder, done = measured
    assert done.code == 1
    assert_in(done.text, '1 runs have no result: 1 failed, see above')
    assert TABLE in done.text
    assert 'bad, seed 0 FAILED (exit code 1)' in done.text
    assert '    RuntimeError: a loss is not finite' in done.text
    assert 'free, seed 1: trained in 0 s' in done.text
    assert '3 runs, trained in 0 to 0 s each' in done.text
    # The preparation runs once for all rows.
    assert 'python make.py "two words"' in done.text
    assert (folder / 'cache').read_text() == 'two words'
    assert 'bad.svg: not drawn without bad' in done.text
    work = folder / 'work_dirs/tiny_study'
    assert (work / 'growth.svg').read_text().startswith('<?xml')
    rows = list(csv.DictReader((work / 'tiny-test.csv').open()))
    assert [row['row'] for row in rows] == ['random', 'free', 'bad', 'full']
    assert float(rows[1]['share']) == pytest.approx(20.5 / 40)
    found = [json.loads(path.read_text()) for path in results(folder)]
    assert [f['AP'] for f in found] == [20, 21, 40, 10]
    logs = [path.read_text() for path in work.glob('free-*/run.log')]
    assert len(logs) == 2 and all('reads two words' in log for log in logs)


def test_table_only_mode_runs_nothing(folder):
    (folder / 'images').mkdir()
    before = [path.stat().st_mtime_ns for path in results(folder)]
    done = run_study(folder, '--table', '--images', 'images').check()
    assert TABLE in done.text and 'FAILED' not in done.text
    assert_in(
        done.text, '1 runs have no result: run the study without --table'
    )
    assert [path.stat().st_mtime_ns for path in results(folder)] == before
    assert (folder / 'images/growth.svg').read_bytes() == (
        folder / 'work_dirs/tiny_study/growth.svg'
    ).read_bytes()


def test_only_deleted_results_are_run_again(folder):
    one = results(folder)[1]  # Row label-free, seed 1.
    one.unlink()
    done = run_study(folder, '--rows', 'free', '--split', 'test').check()
    assert done.text.count('s of processor time') == 1
    assert 'free, seed 1' in done.text and one.is_file()
    # The reference's result existed.
    assert (
        '| test split, seeds [0, 1] | AP | of full |\n|---|---|---|\n'
        '| label-free | 20.5 ± 0.7 | 0.51 |\n\n2 runs'
    ) in done.text
    # Other options give other keys, so no result is reused.
    done = run_study(
        folder,
        '--rows',
        'free',
        '--seeds',
        '5',
        '--cfg-options',
        'model.bonus=1',
    ).check()
    assert '| label-free | 16.0 |  |' in done.text
    assert len(results(folder)) == 5


@pytest.mark.parametrize('args, parts', [
    (['--rows', 'fre'], ['--rows fre', 'random, free, bad, full']),
    (['--jobs', '0'], ['--jobs', 'at least 1']),
    (['--features', 'f'], ['f: no such file of features', 'base.py']),
    (['--cfg-options', 'a b'], ['a b', 'KEY=VALUE'])
])  # fmt: skip
def test_errors_are_reported(tmp_path, args, parts):
    done = run_study(new_study(tmp_path), *args)
    assert done.code not in (0, None) and 'Traceback' not in done.text
    assert_in(done.text, *parts)


def test_failed_preparation_is_reported(tmp_path):
    text = STUDY.replace("path='cache'", "path='elsewhere'")
    (new_study(tmp_path) / 'tiny.py').write_text(text)
    args = ('--cfg-options', 'train_dataloader.cache=elsewhere')
    done = run_study(tmp_path, '--rows', 'free', *args)
    assert done.code == 1
    assert_in(done.text, 'prepare', 'elsewhere is not there')


def test_preparation_stops_at_the_first_failed_command(tmp_path):
    command = """['python make.py "two words"', 'python -c "exit(3)"',
        'python -c "open(\\'late\\', \\'w\\')"']"""
    text = STUDY.replace("""'python make.py "two words"'""", command)
    (new_study(tmp_path) / 'tiny.py').write_text(text)
    done = run_study(tmp_path, '--rows', 'free')
    assert done.code == 1
    assert_in(done.text, 'make.py', 'exit code 3', 'cache is there')
    assert not (tmp_path / 'late').exists()
