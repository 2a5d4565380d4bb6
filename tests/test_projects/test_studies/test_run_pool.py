"""Pool of parallel experiments, tested with fake experiments."""

import json
import os
import signal
import sys
import time
from multiprocessing import get_context

import pytest
from mmengine.config import Config
from studies import Results, RunPool, StudyRun

# Accepts the arguments of studies.run_experiment.
RUN = """
import json, os, subprocess, sys, time
config, result, _, key, *train = sys.argv[1:]
cfg = dict(line.split(' = ') for line in open(config).read().splitlines())
with open('ran', 'a') as file:
    file.write(f'{cfg["row"]} {key} {" ".join(train)}\\n')
if 'fail' in cfg['row']:
    print('\\n'.join(f'line {i}' for i in range(50)))
    print('so it is'), sys.exit(3)
if 'die' in cfg['row']:
    os.abort()
if 'long' in cfg['row']:
    child = subprocess.Popen([sys.executable, '-c',
                              'import time; time.sleep(60)'])
    with open('child.part', 'w') as file:
        file.write(str(child.pid))
    os.rename('child.part', 'child')
    child.wait()
start = time.time()
time.sleep(float(cfg.get('wait', '0')))
os.makedirs(os.path.dirname(result), exist_ok=True)
with open(f'{result}.tmp', 'w') as file:
    json.dump(dict(start=start, end=time.time(), seconds=1, cpu_seconds=1,
                   threads=int(os.environ['OMP_NUM_THREADS'])), file)
os.replace(f'{result}.tmp', result)
"""


@pytest.fixture(autouse=True)
def fake_experiment(tmp_path, monkeypatch):
    (tmp_path / 'run.py').write_text(RUN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        RunPool, 'COMMAND', (sys.executable, '-S', str(tmp_path / 'run.py'))
    )


def make_run(row, seed=0, trained=True, **options):
    return StudyRun(
        row, seed, Config(dict(row=row, seed=seed, **options)), trained
    )


class Pool:
    """A pool and its recorded progress."""

    def __init__(self, jobs=1):
        self.said, self.ended = [], 0
        self.results = Results('work/results')
        self.pool = RunPool('work', self.results, jobs, self.said.append)

    def progress(self, ended, what):
        self.ended += ended

    def run(self, *runs):
        return self.pool.run(runs, self.progress)


def ran():
    with open('ran') as file:
        return [line.split()[0].strip("'") for line in file]


def test_every_run_has_a_result_and_none_runs_twice(tmp_path):
    runs = [make_run('a'), make_run('b', 1, trained=False)]
    pool = Pool()
    assert pool.run(*runs) == []
    assert pool.ended == 2 and len(pool.said) == 2
    assert pool.said[1] == 'b, seed 1: 1 s in all, 1 s of processor time'
    assert (tmp_path / 'ran').read_text() == (
        f"'a' {runs[0].key} --train\n'b' {runs[1].key} \n"
    )
    for run in runs:
        assert (tmp_path / 'work/results' / f'{run.name}.json').is_file()
        assert (tmp_path / 'work' / run.name / 'run.log').is_file()
    again = Pool()
    assert again.run(*runs) == [] and again.ended == 2
    assert ran() == ['a', 'b']
    # Only the deleted result is computed again.
    again.results.path(runs[0]).unlink()
    again.run(*runs)
    assert ran() == ['a', 'b', 'a']


def test_rows_with_equal_configs_share_the_result():
    pool = Pool()
    pool.run(make_run('a'))
    cfg = make_run('a').cfg
    assert pool.results.find(StudyRun('other', 3, cfg, True)) is not None


def test_failure_shows_its_log_and_stops_no_other_run():
    pool = Pool()
    runs = [make_run('fail'), make_run('die'), make_run('good')]
    assert pool.run(*runs) == runs[:2]
    fail, die, good = pool.said
    assert 'fail, seed 0 FAILED (exit code 3)' in fail
    assert f'work/{runs[0].name}/run.log ends with' in fail
    assert fail.endswith('    line 49\n    so it is')
    assert 'line 39' in fail and 'line 38' not in fail
    assert 'die, seed 0 FAILED (signal 6)' in die
    assert 'good' in good and pool.results.find(runs[2])
    # The next call runs only these.
    pool.run(*runs)
    assert ran() == ['fail', 'die', 'good', 'fail', 'die']


def test_jobs_run_at_once_and_share_the_cores(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS')
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(8)))
    pool = Pool(jobs=2)
    runs = [make_run('a', seed, wait=0.4) for seed in range(3)]
    pool.run(*runs)
    one, two, three = sorted(
        (pool.results.find(run) for run in runs),
        key=lambda found: found['start'],
    )
    assert two['start'] < one['end'] and three['start'] >= one['end']
    assert one['threads'] == 4
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    run = make_run('b')
    pool.run(run)
    assert pool.results.find(run)['threads'] == 3


def test_runs_of_another_process_are_not_repeated():
    runs = [make_run('long'), make_run('b')]
    other = Results('work/results')
    lock = other.lock(runs[0].key)
    pool, seen = Pool(), []

    def progress(ended, what):
        seen.append(what)
        if what == 'others run the rest' and not lock.closed:
            other.write(other.path(runs[0]), dict(seconds=1))
            lock.close()

    assert pool.pool.run(runs, progress) == []
    assert ran() == ['b'] and 'others run the rest' in seen


def share(folder, name):
    """Start another process that runs the same study."""
    os.chdir(folder)
    pool = Pool(jobs=2)
    assert pool.run(*(make_run('a', s, wait=0.1) for s in range(6))) == []
    with open(name, 'w') as file:
        json.dump(len(pool.said), file)


def test_two_processes_share_a_study(tmp_path):
    others = [
        get_context('fork').Process(target=share, args=(tmp_path, f'told{i}'))
        for i in range(2)
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0]
    assert len(ran()) == 6
    told = [json.loads((tmp_path / f'told{i}').read_text()) for i in range(2)]
    assert sum(told) == 6 and min(told) > 0


def long_run(folder):
    os.chdir(folder)
    # Ctrl-C and SIGTERM raise this in the tool.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    Pool().run(make_run('long'), make_run('b'))


def test_interrupt_ends_runs_and_their_children(tmp_path):
    tool = get_context('fork').Process(target=long_run, args=(tmp_path,))
    tool.start()
    end = time.monotonic() + 30
    while not (tmp_path / 'child').exists() and time.monotonic() < end:
        time.sleep(0.02)
    child = int((tmp_path / 'child').read_text())
    os.kill(tool.pid, signal.SIGTERM)
    tool.join(30)
    assert tool.exitcode == 1 and ran() == ['long']
    while is_running(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(child)
    # Its lock is released, and the next call continues.
    lock = Results(tmp_path / 'work/results').lock(make_run('long').key)
    assert lock is not None
    lock.close()


def is_running(pid):
    """Return whether a process lives; a zombie does not."""
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


@pytest.mark.parametrize('text', ['', '[1]', '{"mAP": "much"}', '{"a": 1'])
def test_damaged_result_is_an_error(text, tmp_path):
    run, results = make_run('a'), Results(tmp_path)
    results.path(run).write_text(text)
    with pytest.raises(ValueError, match=f'{run.name}.json.*delete it'):
        results.find(run)
