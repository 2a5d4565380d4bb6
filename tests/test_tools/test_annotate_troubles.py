"""Errors of tools/teacher/annotate.py in inputs or endpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('lemminflect', reason="the extra 'teacher'")
Image = pytest.importorskip('PIL.Image')
REPO = Path(__file__).parents[2]
TOOL = REPO / 'tools' / 'teacher' / 'annotate.py'
NAMES = [f'{i}.png' for i in range(4)]


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for name in NAMES:
        Image.new('RGB', (20, 10)).save(folder / name)
    return folder


def run(name, *args):
    return subprocess.run(
        [sys.executable, TOOL, name, *map(str, args)],
        env=dict(os.environ, PYTHONPATH=str(REPO)),
        text=True,
        capture_output=True,
    )


def annotate(images, out, *args, backend='replay'):
    return run(
        'run', '--vocab', 'mini', '--images', images, '--out', out,
        '--backend', backend, '--parsed', 'parsed.jsonl', '--text-encoder',
        'hashed:16', *args)  # yapf: disable


def write_lines(path, rows):
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def answers(names=NAMES, text='A person is riding a bicycle.'):
    return [
        row
        for name in names
        for row in (
            dict(image_id=name, kind='caption', text=text),
            dict(
                image_id=name,
                kind='list',
                text='[{"object": "bicycle", "verb": "ride"}]',
            ),
        )
    ]


def detected(names):
    return [dict(image_id=x, objects=['person', 'bicycle']) for x in names]


def replaying(path):
    return '--options', f'raw={path}'


@pytest.mark.parametrize(
    'ids, cause',
    [
        ([f'images/{x}' for x in NAMES], 'begin with the folder "images/"'),
        (range(4), 'has numbers where the other has names'),
        ([x.replace('png', 'jpg') for x in NAMES], 'endings differ'),
        (['a.png'], 'about other images'),
    ],
)
def test_unmatched_objects_end_the_run_before_any_request(
    tmp_path, images, ids, cause
):
    raw = write_lines(tmp_path / 'raw.jsonl', answers())
    objects = write_lines(tmp_path / 'objects.jsonl', detected(ids))
    for shard in ((), ('--stages', 'list', '--shard', '0/2')):
        done = annotate(
            images, tmp_path / 'out', '--objects', objects, *replaying(raw),
            *shard)  # yapf: disable
        assert done.returncode == 1 and 'Traceback' not in done.stderr
        assert cause in done.stderr and '--image-root' in done.stderr
        assert f'{list(ids)[0]!r}'.split('.')[0] in done.stderr
        assert not (tmp_path / 'out' / 'raw').exists()


@pytest.mark.parametrize('backend', ['replay', 'captions'])
def test_unknown_object_names_are_printed_once(tmp_path, images, backend):
    raw = write_lines(tmp_path / 'raw.jsonl', answers())
    rows = [dict(image_id=x, objects=['person', 'pony']) for x in NAMES]
    objects = write_lines(tmp_path / 'objects.jsonl', rows)
    captions = write_lines(
        tmp_path / 'captions.jsonl',
        [dict(image=x, caption='A man rides a bicycle.') for x in NAMES],
    )
    done = annotate(
        images, tmp_path / 'out', '--objects', objects,
        *(replaying(raw) if backend == 'replay' else ('--captions', captions)),
        '--stages', 'describe', 'parse', backend=backend)  # yapf: disable
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('pony (4)') == 1


@pytest.mark.parametrize('stages', [('list',), ('describe', 'list', 'parse')])
def test_objects_without_a_person_are_refused(tmp_path, images, stages):
    raw = write_lines(tmp_path / 'raw.jsonl', answers())
    rows = [dict(image_id=x, objects=['human', 'bicycle']) for x in NAMES]
    rows.append(dict(image_id='other.png', objects=['person']))
    objects = write_lines(tmp_path / 'objects.jsonl', rows)
    done = annotate(
        images, tmp_path / 'out', '--objects', objects, *replaying(raw),
        '--stages', *stages)  # yapf: disable
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert f'{objects}: none of the 4 images has a "person"' in done.stderr
    assert '--objects' in done.stderr and 'human (4)' in done.stderr
    assert not (tmp_path / 'out' / 'raw').exists()


def test_image_root_fixes_a_missing_folder(tmp_path, images):
    keys = [f'images/{x}' for x in NAMES]
    raw = write_lines(tmp_path / 'raw.jsonl', answers(keys))
    objects = write_lines(tmp_path / 'objects.jsonl', detected(keys[:3]))
    done = annotate(
        images, tmp_path / 'out', '--objects', objects, *replaying(raw),
        '--image-root', tmp_path)  # yapf: disable
    assert done.returncode == 0, done.stderr
    assert 'not among the detected objects, no request for them: 1' in (
        done.stdout
    )
    rows = (tmp_path / 'out' / 'parsed.jsonl').read_text().splitlines()
    assert len(rows) == 4
    # The stage parse also accepts numeric keys in the objects file.
    ints = write_lines(tmp_path / 'ints.jsonl', detected(range(4)))
    done = run(
        'parse', '--raw', raw, '--vocab', 'mini', '--objects', ints,
        '--out', tmp_path / 'other.jsonl')  # yapf: disable
    assert done.returncode == 1 and 'numbers' in done.stderr
    assert not (tmp_path / 'other.jsonl').exists()


def test_answers_about_other_images_are_refused(tmp_path, images):
    raw = write_lines(
        tmp_path / 'raw.jsonl', answers([f'train/{x}' for x in NAMES])
    )
    done = annotate(images, tmp_path / 'out', *replaying(raw))
    assert done.returncode == 1
    assert 'begin with the folder "train/"' in done.stderr


def test_list_without_its_root_is_an_error(tmp_path, images):
    listed = images / 'list.txt'
    listed.write_text('\n'.join(f'images/{x}' for x in NAMES))
    options = ('--model', 'm', '--options', 'base_url=http://127.0.0.1:9/v1')
    done = annotate(listed, tmp_path / 'out', *options, backend='openai')
    assert done.returncode == 1 and 'none of its images is there' in (
        done.stderr
    )
    assert done.stderr.strip().endswith(f'are relative to: {tmp_path}')


def test_stage_without_answers_is_reported_and_not_packed(tmp_path, images):
    done = annotate(
        images, tmp_path / 'out', '--model', 'm', '--options',
        'base_url=http://127.0.0.1:9/v1', 'retries=0',
        backend='openai')  # yapf: disable
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'stage "describe": all 4 requests failed' in done.stderr
    assert 'connection: ' in done.stderr and '127.0.0.1' in done.stderr
    assert not (tmp_path / 'out' / 'manifest.json').exists()
    # One of two stages.
    raw = write_lines(tmp_path / 'raw.jsonl', answers()[::2])
    done = annotate(images, tmp_path / 'two', *replaying(raw))
    assert done.returncode == 1
    assert 'stage "list": all 4 requests failed' in done.stderr
    assert 'not_recorded' in done.stderr
    assert not (tmp_path / 'two' / 'parsed.jsonl').exists()


def test_missing_answers_do_not_stop_the_run(tmp_path, images):
    rows = answers()
    rows[0]['text'] = '<think>A person feeds a dog.'
    rows[2]['text'] = "I'm sorry, but I can't help with that."
    rows[4]['text'] = '<think>A dog?</think>A person is riding a bicycle.'
    rows[6]['text'] = '{"caption": "A person is riding a bicycle."}'
    raw = tmp_path / 'raw.jsonl'
    write_lines(raw, rows)
    with open(raw, 'a') as file:
        file.write('{"image_id": "torn')
    done = annotate(images, tmp_path / 'out', *replaying(raw))
    assert done.returncode == 1
    assert 'refused (1), unfinished_reasoning (1)' in done.stdout
    assert '1 requests failed' in done.stderr  # A refusal is an answer.
    assert f'raw records and were skipped, for one {raw}' in done.stdout
    assert (tmp_path / 'out' / 'manifest.json').exists()
    failed = (tmp_path / 'out' / 'failures').glob('caption*')
    reasons = [
        json.loads(line)['reason']
        for path in failed
        for line in path.read_text().splitlines()
    ]
    assert reasons == ['unfinished_reasoning', 'refused']
    shown = subprocess.run(
        [sys.executable, TOOL.parent / 'inspect_cache.py', 'show',
         tmp_path / 'out', '--json'], capture_output=True, text=True,
        env=dict(os.environ, PYTHONPATH=str(REPO)))  # yapf: disable
    captions = [row['caption'] for row in json.loads(shown.stdout)]
    assert captions == [None, None, 'A person is riding a bicycle.']
    # Only the failed requests are sent again.
    write_lines(raw, answers())
    done = annotate(images, tmp_path / 'out', *replaying(raw))
    assert done.returncode == 0, done.stderr
    assert 'describe: 2 answered, 2 known before, 0 failed' in done.stdout


def test_several_answers_of_one_image_are_joined(tmp_path, images):
    raw = tmp_path / 'raw.jsonl'
    more = [
        dict(image_id='0.png', kind='caption', text='A dog sits on a chair.'),
        dict(image_id='0.png', kind='caption', text='Sorry, I cannot help.'),
        dict(image_id='0.png', kind='list', text='[{"object": "car", "verb": '
             '"wash", "score": 0.5}]'),
        dict(image_id='1.png', kind='caption',
             text='A person is riding a bicycle.'),
    ]  # yapf: disable
    write_lines(raw, answers() + more)
    done = annotate(images, tmp_path / 'out', *replaying(raw))
    assert done.returncode == 0, done.stderr
    assert 'were joined, 2 times' in done.stdout
    rows = [
        json.loads(line)
        for line in (tmp_path / 'out' / 'answers.jsonl').open()
    ]
    assert rows[0]['text'] == (
        'A person is riding a bicycle.\nA dog sits on a chair.'
    )
    parsed = json.loads((tmp_path / 'out' / 'parsed.jsonl').open().readline())
    assert [(x['verb'], x['object']) for x in parsed['interactions']] == [
        ('ride', 'bicycle'),
        ('wash', 'car'),
    ]
    # Prose and a list cannot be joined.
    more[2]['text'] = 'A person washes a car.'
    write_lines(raw, answers() + more)
    done = annotate(images, tmp_path / 'new', *replaying(raw))
    assert done.returncode == 1
    assert f'{raw}, lines 2 and 11: image "0.png" has two lists' in done.stderr
