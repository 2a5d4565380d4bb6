import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
sys.path.insert(0, str(REPO / 'tests' / 'test_teacher'))


@pytest.fixture
def ann_file(tmp_path):
    from synthetic_world import make_annotations

    from clhoi_mm.vocabulary import HOIVocabulary

    path = tmp_path / 'train.json'
    content = make_annotations(HOIVocabulary.load('mini'), 300)
    path.write_text(json.dumps(content))
    return path


def run(*args):
    env = dict(os.environ, PYTHONPATH=str(REPO))
    return subprocess.run(
        [sys.executable, REPO / 'tools' / 'teacher' / 'simulate.py',
         *map(str, args)],
        env=env, capture_output=True, text=True)  # fmt: skip


def test_cache_is_deterministic(ann_file, tmp_path):
    from clhoi_mm.teacher import TeacherCache

    args = (
        '--ann',
        ann_file,
        '--vocabulary',
        'mini',
        '--seed',
        1,
        '--text-encoder',
        'hashed:64',
    )
    outs = [tmp_path / 'first', tmp_path / 'second']
    done = run(*args, '--out', outs[0])
    assert done.returncode == 0, done.stderr
    assert 'precision      0.5' in done.stdout
    assert 'recall         0.' in done.stdout and 'AP' in done.stdout
    assert 'malformed' in done.stdout and '%|' in done.stderr
    assert run(*args, '--out', outs[1]).returncode == 0
    assert run(*args, '--out', outs[1]).returncode == 0
    names = ['knowledge.safetensors', 'manifest.json', 'raw.jsonl']
    for out in outs:
        assert sorted(path.name for path in out.iterdir()) == names
    for name in names:
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()
    cache = TeacherCache(outs[0])
    assert len(cache) == 300 and cache.dim == 64


def test_teachers_with_measured_errors(ann_file, tmp_path):
    from clhoi_mm.teacher import TeacherCache

    args = ('--ann', ann_file, '--vocabulary', 'mini', '--preset', 'measured')
    first = run(*args, '--out', tmp_path / 'first', '--agreement', 2)
    assert first.returncode == 0, first.stderr
    assert 'precision      0.66' in first.stdout
    assert re.search(r'false labels   2\d % name another verb', first.stdout)
    assert 'named by at least 2: precision 0.' in first.stdout
    second = run(*args, '--out', tmp_path / 'second', '--teacher', 1)
    third = run(
        *args, '--out', tmp_path / 'third', '--teacher', 1,
        '--shared-errors', 0.5
    )  # fmt: skip
    assert second.returncode == third.returncode == 0
    assert 'teacher 1' in second.stdout
    tables = [
        (tmp_path / name / 'knowledge.safetensors').read_bytes()
        for name in ('first', 'second', 'third')
    ]
    assert len(set(tables)) == 3
    assert len(TeacherCache(tmp_path / 'third')) == 300
    done = run(*args, '--out', tmp_path / 'fourth', '--shared-errors', 2)
    assert done.returncode == 1 and 'shared_errors=2.0' in done.stderr
    assert not (tmp_path / 'fourth').exists()


def test_bad_input_is_a_one_line_error(ann_file, tmp_path):
    done = run(
        '--ann',
        tmp_path / 'none.json',
        '--vocabulary',
        'mini',
        '--out',
        tmp_path / 'out',
    )
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'none.json: no such annotation file' in done.stderr
    done = run(
        '--ann', ann_file, '--vocabulary', 'v_coco', '--out', tmp_path / 'out'
    )
    assert done.returncode == 1
    assert "no object of the vocabulary 'v_coco'" in done.stderr
    done = run(
        '--ann',
        ann_file,
        '--vocabulary',
        'mini',
        '--preset',
        'good',
        '--out',
        tmp_path / 'out',
    )
    assert done.returncode == 2 and 'typical' in done.stderr
    assert not (tmp_path / 'out').exists()


def test_pointing_at_pairs(ann_file, tmp_path):
    from clhoi_mm.teacher import TeacherCache

    args = ('--ann', ann_file, '--vocabulary', 'mini')
    plain, out = tmp_path / 'plain', tmp_path / 'out'
    done = run(*args, '--out', out, '--pointing-accuracy', 1)
    assert done.returncode == 0, done.stderr
    assert 'pointing       1.000  of ' in done.stdout
    assert TeacherCache(out).manifest['counts']['pointed'] > 100
    assert 'pairs of true' not in run(*args, '--out', plain).stdout
    # The answers are the same.
    assert (plain / 'raw.jsonl').read_bytes() == (
        out / 'raw.jsonl'
    ).read_bytes()
    done = run(*args, '--out', plain, '--pointing-accuracy', 2)
    assert done.returncode == 1
    assert 'must lie in [0, 1]' in done.stderr.splitlines()[-1]
