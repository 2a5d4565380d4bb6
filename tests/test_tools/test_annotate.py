"""tools/teacher/annotate.py on the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
TOOL = REPO / 'tools' / 'teacher' / 'annotate.py'
sys.path.insert(0, str(REPO / 'tests' / 'test_teacher'))
# A custom backend: the simulated one, slowed down.
SLOW = """
import time
from clhoi_mm.teacher.backends import BACKENDS, Backend, build_backend


@BACKENDS.register_module('slow')
class Slow(Backend):

    def __init__(self, pause, **options):
        self.pause = pause
        self.inner = build_backend(dict(type='simulated', **options))
        self.model = self.inner.model

    def run(self, requests):
        for item in self.inner.run(requests):
            time.sleep(self.pause)
            yield item
"""


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    from synthetic_world import make_annotations

    from clhoi_mm.vocabulary import HOIVocabulary

    folder = tmp_path_factory.mktemp('world')
    content = make_annotations(HOIVocabulary.load('mini'), 120)
    (folder / 'train.json').write_text(json.dumps(content))
    (folder / 'slow_backend.py').write_text(SLOW)
    return folder


def command(world, name, *args):
    return [sys.executable, TOOL, name, *map(str, args)], dict(
        env=dict(os.environ, PYTHONPATH=f'{REPO}{os.pathsep}{world}'),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(world, name, *args):
    line, options = command(world, name, *args)
    return subprocess.run(line, **options)


def asking(world, out, pause=0.0):
    return (
        '--images',
        world / 'train.json',
        '--out',
        world / out,
        '--vocab',
        'mini',
        '--import',
        'slow_backend',
        '--backend',
        'slow',
        '--options',
        f'pause={pause}',
        'vocabulary=mini',
        f'ann_file={world / "train.json"}',
    )


def packing(world, out):
    return run(
        world,
        'run',
        *asking(world, out),
        '--parsed',
        'parsed.jsonl',
        '--text-encoder',
        'hashed:32',
    )


def lines(folder):
    rows = [
        line
        for path in sorted((folder / 'raw').glob('*.jsonl'))
        for line in path.read_text().splitlines()
    ]
    return [json.loads(row) for row in rows]


def test_killed_and_resumed_equals_uninterrupted(world):
    whole = packing(world, 'whole')
    assert whole.returncode == 0, whole.stderr
    for words in (
        'describe: 120 answered',
        'list: 120 answered',
        'malformed',
        'most frequent',
        'outside the vocabulary',
        'answers/s',
        '120 images',
    ):
        assert words in whole.stdout
    assert 'request/s' in whole.stderr  # Progress is printed.

    killed = world / 'killed'
    line, options = command(
        world,
        'run',
        *asking(world, 'killed', 0.02),
        '--stages',
        'describe',
        'list',
    )
    for target in (30, 150):
        process = subprocess.Popen(line, **options)
        end = time.monotonic() + 120
        while time.monotonic() < end and process.poll() is None:
            if (
                killed.is_dir()
                and sum(
                    path.read_bytes().count(b'\n')
                    for path in killed.glob('raw/*.jsonl')
                )
                >= target
            ):
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.01)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert 150 <= len(lines(killed)) < 240
    with open(killed / 'raw/list-00000-of-00001.jsonl', 'a') as file:
        file.write('{"image_id": "train/im')  # A truncated write.
    done = packing(world, 'killed')
    assert done.returncode == 0, done.stderr
    assert 'describe: 0 answered, 120 known before' in done.stdout
    asked = Counter((row['image_id'], row['kind']) for row in lines(killed))
    assert len(asked) == 240 and set(asked.values()) == {1}
    for name in (
        'answers.jsonl',
        'parsed.jsonl',
        'knowledge.safetensors',
        'manifest.json',
    ):
        assert (killed / name).read_bytes() == (
            world / 'whole' / name
        ).read_bytes(), name


def test_concurrent_shards(world):
    jobs = []
    for i in range(2):
        line, options = command(
            world, 'describe', *asking(world, 'shards'), '--shard', f'{i}/2'
        )
        jobs.append(subprocess.Popen(line, **options))
    for job in jobs:
        job.communicate()
        assert job.returncode == 0
    rows = lines(world / 'shards')
    names = [row['image_id'] for row in rows]
    assert len(names) == len(set(names)) == 120
    failures = [
        dict(image_id=names[0], question=rows[0]['question'],
             reason='timeout', time=rows[0]['time']),  # answered since
        dict(image_id='other', question='q', reason='server',
             time=rows[0]['time'])]  # fmt: skip
    with open(
        world / 'shards/failures/caption-00000-of-00002.jsonl', 'a'
    ) as file:
        file.writelines(json.dumps(row) + '\n' for row in failures)
    done = run(world, 'report', '--out', world / 'shards')
    assert done.returncode == 0, done.stderr
    assert 'describe: 120 answered, 1 failed, 1 left open' in done.stdout
    assert 'failed: server (1)' in done.stdout
    assert run(world, 'report', '--out', world / 'none').returncode == 1


def test_bad_input_is_a_one_line_error(world):
    wrong = [
        (('--backend', 'nothing'), "unknown type 'nothing'"),
        (('--images', world / 'none'), 'no such folder'),
        (('--options', 'pause'), 'write NAME=VALUE'),
        (('--shard', '0/2'), 'a shard alone cannot be packed'),
        (('--prompts', world / 'none.txt'), 'no such prompt file'),
    ]
    for args, message in wrong:
        done = run(world, 'run', *asking(world, 'wrong'), *args)
        assert done.returncode == 1 and 'Traceback' not in done.stderr
        assert message in done.stderr.splitlines()[-1]


def test_ray_gives_the_same_cache(world):
    pytest.importorskip('ray')
    done = run(
        world,
        'describe',
        *asking(world, 'ray'),
        '--engine',
        'ray',
        '--workers',
        2,
    )
    assert done.returncode == 0, done.stderr
    assert 'describe: 120 answered' in done.stdout
    names = [row['image_id'] for row in lines(world / 'ray')]
    assert len(names) == len(set(names)) == 120
