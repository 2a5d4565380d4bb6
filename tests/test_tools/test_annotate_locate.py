"""Stage locate of tools/teacher/annotate.py on the command line."""

import json
import re
import sys

import numpy as np
import pytest

from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.store.parsed_file import read_parsed
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO
from tests.tool_utils import run_command

TOOL = REPO / 'tools/teacher/annotate.py'
SHOW = REPO / 'tools/teacher/inspect_cache.py'
LISTED = ('run', '--stages', 'list', 'parse')
WHOLE = (
    *('run', '--stages', 'list', 'locate', 'parse', 'embed', 'pack'),
    *('--text-encoder', 'hashed:16'),
)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    sys.path.insert(0, str(REPO / 'tests' / 'test_teacher'))
    from synthetic_world import make_annotations

    folder = tmp_path_factory.mktemp('world')
    content = make_annotations(HOIVocabulary.load('mini'), 60)
    for row in content['annotations']:  # Objects far apart and large enough.
        row['bbox'][2:] = [20 + x for x in row['bbox'][2:]]
    (folder / 'train.json').write_text(json.dumps(content))
    return folder


def annotate(world, out, *command, options=(), objects='train.json'):
    name, *rest = command
    return run_command(
        *('python', TOOL, name, '--vocab', 'mini', '--images', 'train.json'),
        *('--backend', 'simulated', '--out', out, *rest),
        *(['--objects', objects] if objects else []),
        *(['--options', *options] if options else []),
        cwd=world,
    )


def labels(world, out):
    """Return the pointed pairs by image and label."""
    return {
        (key, item.verb, item.object): item.pointed
        for key, found in read_parsed(world / out / 'parsed.parquet')
        for item in found
    }


def counts(text):
    """Return the printed counts: labels, pointed pairs, matched pairs."""
    return [
        int(x)
        for x in re.findall(
            r'located +(\d+) labels asked for, (\d+) pairs pointed at, '
            r'(\d+) of them matched',
            text,
        )[-1]
    ]


@pytest.fixture(scope='module')
def whole(world):
    return annotate(world, 'boxes', *WHOLE).check().text


def test_images_to_cache_with_pointed_pairs(world, whole):
    asked, pointed, matched = counts(whole)
    assert 20 < asked <= pointed and matched > 0.9 * pointed
    images = int(re.search(r'locate: (\d+) answered', whole)[1])
    assert images < asked  # One answer for all labels of an image.
    cache = TeacherCache(world / 'boxes')
    assert cache.has_pointed
    assert f'{cache.manifest["counts"]["pointed"]} pointed' in whole
    found = labels(world, 'boxes')
    total = sum(map(len, found.values()))
    assert total == cache.manifest['counts']['pointed'] > 0
    key, *_ = next(name for name, pairs in found.items() if pairs)
    shown = run_command(
        'python', SHOW, 'show', 'boxes', '--keys', key, cwd=world
    )
    assert 'points at person [' in shown.check().text
    report = run_command('python', TOOL, 'report', '--out', 'boxes', cwd=world)
    assert counts(report.check().text) == counts(whole)


def test_marks_point_at_the_same_pairs(world, whole):
    done = annotate(world, 'marks', *WHOLE, '--style', 'marks').check()
    assert counts(done.text)[0] == counts(whole)[0]
    boxes, marks = labels(world, 'boxes'), labels(world, 'marks')
    same = [boxes[name] == marks[name] for name in boxes if boxes[name]]
    assert np.mean(same) > 0.9


def test_unambiguous_labels_are_not_requested(world, whole):
    content = json.loads((world / 'train.json').read_text())
    names = {x['id']: x['name'] for x in content['categories']}
    keys = {x['id']: x['key'] for x in content['images']}
    number = {}
    for row in content['annotations']:
        place = keys[row['image_id']], names[row['category_id']]
        number[place] = number.get(place, 0) + 1
    rows = [
        json.loads(line)
        for path in (world / 'boxes/raw').glob('locate-*.jsonl')
        for line in path.read_text().splitlines()
    ]
    asked = {
        (row['image_id'], *label)
        for row in rows
        for label in row['scene']['labels']
    }
    for key, verb, obj in labels(world, 'boxes'):
        humans, things = (number.get((key, x), 0) for x in ('person', obj))
        pairs = humans * (things - (obj == 'person'))
        assert ((key, verb, obj) in asked) == (pairs > 1)


@pytest.mark.slow  # Many processes; resuming alone is tested below.
def test_interrupted_and_sharded_equals_uninterrupted(world, whole):
    annotate(world, 'parts', *LISTED).check()
    annotate(world, 'parts', 'locate', '--limit', '20').check()
    for shard in ('0/2', '1/2'):
        done = annotate(world, 'halves', *LISTED[:3], '--shard', shard)
        done.check()
    run_command(
        *('python', TOOL, 'parse', '--vocab', 'mini', '--raw', 'halves'),
        *('--objects', 'train.json'),
        cwd=world,
    ).check()
    for shard in ('0/2', '1/2'):
        annotate(world, 'halves', 'locate', '--shard', shard).check()
    done = annotate(world, 'halves', 'locate', '--shard', '0/2').check()
    assert 'locate: 0 answered' in done.text
    done = annotate(world, 'parts', *WHOLE).check()
    assert re.search(r'locate: \d+ answered, \d+ known', done.text)
    run_command(
        *('python', TOOL, 'parse', '--vocab', 'mini', '--raw', 'halves'),
        *('--objects', 'train.json'),
        cwd=world,
    ).check()
    assert labels(world, 'halves') == labels(world, 'boxes')
    for name in ('parsed.parquet', 'knowledge.safetensors'):
        assert (world / 'parts' / name).read_bytes() == (
            world / 'boxes' / name
        ).read_bytes(), name


def test_wrong_box_convention_is_detected(world):
    thousand = ('coordinates=normalized-1000-yx',)
    stated = ('--coordinates', 'pixels')
    done = annotate(world, 'wrong', *WHOLE, *stated, options=thousand)
    assert done.code == 1 and 'Traceback' not in done.text
    assert re.search(
        r'boxes match detections as "normalized-1000-yx", and \d+ as "pixels"',
        done.text,
    )
    right = ('--coordinates', 'normalized-1000-yx')
    done = annotate(world, 'wrong', *WHOLE, *right, options=thousand).check()
    assert re.search(r'locate: \d+ answered, \d+ known', done.text)
    asked, pointed, matched = counts(done.text)
    assert matched > 0.9 * pointed


def test_bad_input_is_a_one_line_error(world):
    (world / 'names.jsonl').write_text(
        '{"image_id": "train/images/000001.png", "objects": ["person"]}\n'
    )
    for objects, message in {
        None: 'give the vocabulary with --vocab and the detections with',
        'names.jsonl': 'needs the boxes of the detections and the sizes',
        'train.json': 'run the stage parse first',
    }.items():
        done = annotate(world, 'none', 'locate', objects=objects)
        assert done.code == 1 and 'Traceback' not in done.text
        assert message in done.text.splitlines()[-1]
    (world / 'prompts.txt').write_text(
        'version: 1\n[describe]\na\n[list]\n$choices\n[score]\n$phrase\n'
    )
    done = annotate(world, 'none', 'locate', '--prompts', 'prompts.txt')
    assert done.code == 1
