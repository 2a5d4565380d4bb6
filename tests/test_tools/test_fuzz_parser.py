"""tools/teacher/fuzz_parser.py on the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.teacher.text_mutation import TextMutator

pytest.importorskip('lemminflect', reason="the extra 'teacher'")
REPO = Path(__file__).parents[2]
TOOL = REPO / 'tools' / 'teacher' / 'fuzz_parser.py'


# Imported first by Python: failing rules, and a failing stage.
SABOTAGE = """
from importlib import import_module

module = import_module('clhoi_mm.teacher.{module}')


def fail(*args, **options):
    raise RecursionError('maximum recursion depth exceeded')


module.{name} = fail
"""


def run(*args, path=REPO):
    return subprocess.run(
        [sys.executable, TOOL, *map(str, args)],
        env=dict(os.environ, PYTHONPATH=f'{path}{os.pathsep}{REPO}'),
        text=True,
        capture_output=True,
    )


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / 'texts.jsonl'
    rows = [
        dict(text='A man is feeding two horses while she rides a bike.'),
        dict(captions=['He is smiling as he rides.', 'A dog on a couch.']),
        dict(caption='Two people hug; one of them holds a cup.'),
    ]
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    (tmp_path / 'plain.txt').write_text('A plain line.\n7\n')
    return path


def test_no_text_ends_a_stage(texts):
    args = (texts, texts.parent / 'plain.txt', '--count', 300, '--seed', 3)
    done = run(*args)
    assert done.returncode == 0, done.stderr + done.stdout
    assert '300 texts, mutated from 6, seed 3' in done.stdout
    assert 'straight    300 answers, 0 recorded as not parsed' in done.stdout
    assert 'no text ended a stage' in done.stdout
    again = run(*args)
    assert again.stdout.splitlines()[:-1] == done.stdout.splitlines()[:-1]


@pytest.mark.parametrize(
    'module, name, code, said',
    [
        ('parsing.answer_parser', 'split_prose', 0, 'no text ended a stage'),
        ('store.merge', 'label_image', 1, 'a text ended a stage'),
    ],
)
def test_failing_rule_is_recorded(texts, tmp_path, module, name, code, said):
    (tmp_path / 'sitecustomize.py').write_text(
        SABOTAGE.format(module=module, name=name)
    )
    done = run(texts, '--count', 40, path=tmp_path)
    assert done.returncode == code and said in done.stdout
    assert ('RecursionError' in done.stderr) == bool(code)
    if not code:
        assert ' 0 recorded as not parsed' not in done.stdout


def test_bad_input_is_a_one_line_error(tmp_path):
    done = run(tmp_path / 'none.jsonl')
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    (tmp_path / 'empty.txt').write_text('')
    done = run(tmp_path / 'empty.txt')
    assert done.returncode == 1 and 'no text in it' in done.stderr


def test_mutations_are_drawn_by_seed():
    texts = ['A man rides a horse.', 'Nobody is here.']
    first, second, other = (TextMutator(texts, seed) for seed in (0, 0, 1))
    drawn = [first.draw() for _ in range(200)]
    assert drawn == [second.draw() for _ in range(200)]
    assert drawn != [other.draw() for _ in range(200)]
    assert len(set(drawn)) > 150
