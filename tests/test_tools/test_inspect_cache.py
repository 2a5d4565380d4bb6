"""tools/teacher/inspect_cache.py on the command line."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from clhoi_mm.teacher import (
    HashedTextEncoder,
    Interaction,
    PseudoLabels,
    pack_cache,
)
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO
from tests.tool_utils import run_command

TOOL = REPO / 'tools/teacher/inspect_cache.py'
MINI = HOIVocabulary.load('mini')
BALL, BIKE = ('hold', 'ball'), ('ride', 'bicycle')


def make_label(verb, obj, score, inside=True, source='list'):
    return dict(verb=verb, object=obj, score=score, in_vocabulary=inside,
                source=source)  # fmt: skip


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Write a job's folder of four images, cache and annotations."""
    folder = tmp_path_factory.mktemp('inspect')

    def raw(name, time, **more):
        return dict(image_id=name, kind='caption', question='0', time=time,
                    **more)  # fmt: skip

    write_lines(
        folder / 'pass/raw/caption-00000-of-00001.jsonl',
        [
            raw('a.png', 5.0, text='A man holds a ball. It is red.'),
            raw('a.png', 1.0, text='An earlier answer.'),
        ],
    )
    write_lines(
        folder / 'pass/failures/caption-00000-of-00001.jsonl',
        [
            raw('a.png', 0.0, reason='timeout', message='too slow'),
            raw(
                'b.png',
                6.0,
                reason='unreadable_image',
                message='b.png: cut off',
            ),
        ],
    )
    parsed = {
        'a.png': [make_label(*BALL, .9, source='caption+list'),
                  make_label('juggle', 'orange', .5, False)],
        'b.png': [make_label(*BIKE, .8), make_label(*BALL, .4)],
        'c.png': [],
        'z.png': [make_label(*BALL, 1.)]
    }  # fmt: skip
    write_lines(
        folder / 'pass/parsed.jsonl',
        [dict(image_id=k, interactions=v) for k, v in parsed.items()],
    )
    words = [
        PseudoLabels(
            key,
            interactions=[
                Interaction(x['verb'], x['object'], x['score']) for x in rows
            ],
        )
        for key, rows in parsed.items()
    ]
    pack_cache(words, folder / 'cache', MINI, HashedTextEncoder(16))
    hois = {name: MINI.hoi_id(MINI.verb_label(name[0]),
                              MINI.object_label(name[1]))
            for name in (BALL, BIKE)}  # fmt: skip
    images = [
        ('a.png', [BALL]),
        ('b.png', [BIKE]),
        ('c.png', [BALL]),
        ('d.png', []),
    ]
    content = dict(
        images=[
            dict(id=i, file_name=name, key=name,
                 hoi_ids=[hois[hoi] for hoi in true])
            for i, (name, true) in enumerate(images)
        ],
        annotations=[], hois=[], verbs=list(MINI.verbs),
        categories=[dict(id=i, name=name)
                    for i, name in enumerate(MINI.objects)],
        hoi_categories=[
            dict(id=i, verb_id=int(verb), category_id=int(obj)) for i,
            (verb, obj) in enumerate(zip(MINI.hoi_verbs, MINI.hoi_objects))
        ])  # fmt: skip
    (folder / 'ann.json').write_text(json.dumps(content))
    for name in ('a.png', 'b.png'):
        picture = np.full((90, 120, 3), 200, np.uint8)
        Image.fromarray(picture).save(folder / name)
    return folder


def run(folder, *args):
    return run_command('python', TOOL, *args, cwd=folder)


def test_pseudo_labels_and_failures(folder):
    text = run(folder, 'show', 'pass', '--num', '3').check().text
    first, second, third = text.strip().split('\n\n')
    assert first.splitlines() == [
        'a.png',
        '  1. A man holds a ball.',
        '  2. It is red.',
        '   0.90  hold ball                        caption+list',
        '   0.50  juggle orange                    list, outside the '
        'vocabulary',
        '  failed  caption: timeout: too slow (answered since)',
    ]
    assert second.splitlines()[1:3] == [
        '  no caption',
        '   0.80  ride bicycle                     list',
    ]
    assert second.splitlines()[-1] == (
        '  failed  caption: unreadable_image: b.png: cut off'
    )
    assert third.splitlines()[-1] == '  no interactions'


def test_unknown_key_is_an_error(folder):
    done = run(folder, 'show', 'pass', '--keys', './a.png', 'aa.png')
    assert done.code == 1 and 'A man holds a ball.' in done.text
    assert "1 of 2 images are not in pass, for one 'aa.png'" in done.text
    assert "the nearest of its keys is 'a.png'" in done.text
    done = run(folder, 'show', 'pass', '--keys', 'nope', '--json')
    assert done.code == 1 and 'Traceback' not in done.text


def test_cache_next_to_the_raw_answers(folder):
    done = run(
        folder,
        'show',
        'cache',
        '--raw',
        'pass',
        '--keys',
        'a.png',
        'none.png',
        '--json',
    )
    known, unknown = json.loads(done.text.splitlines()[0])
    assert done.code == 1
    assert known['sentences'] == ['A man holds a ball.', 'It is red.']
    assert known['interactions'] == [
        make_label(*BALL, pytest.approx(0.9), source='cache'),
        make_label('(other)', '(other)', 0.5, False, 'cache'),
    ]
    assert known['failures'][0]['answered']
    assert unknown['interactions'] is None is unknown['caption']


def test_pictures_are_drawn_without_torch(folder, tmp_path):
    (tmp_path / 'torch.py').write_text('raise RuntimeError')
    (tmp_path / 'mmdet.py').write_text('raise RuntimeError')
    code = (
        f'import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); '
        f'sys.argv = ["inspect_cache.py", "show", "pass", "--num", "2", '
        f'"--images", ".", "--out", "drawn"]; '
        f'runpy.run_path({str(TOOL.with_name("inspect_cache.py"))!r}, '
        f'run_name="__main__")'
    )
    run_command('python', '-c', code, cwd=folder).check()
    sizes = [
        Image.open(folder / 'drawn' / name).size
        for name in ('a.png.png', 'b.png.png')
    ]
    assert sizes[0][0] == sizes[1][0] == 720
    # A caption takes another line.
    assert 540 < sizes[1][1] < sizes[0][1]


def test_pictures_never_overwrite_images(folder, tmp_path):
    source = tmp_path / 'photos/x.png'
    source.parent.mkdir()
    shutil.copy(folder / 'a.png', source)
    before = source.read_bytes()
    keys = [str(source), '../photos/x.png']
    parsed = write_lines(
        tmp_path / 'parsed.jsonl',
        [dict(image_id=k, interactions=[]) for k in keys],
    )
    run(
        tmp_path, 'show', parsed, '--images', 'photos', '--out', 'photos'
    ).check()
    assert source.read_bytes() == before
    drawn = set((tmp_path / 'photos').rglob('*.png')) - {source}
    assert drawn == {
        tmp_path / 'photos/photos/x.png.png',
        source.parent.joinpath(*source.parts[1:-1], 'x.png.png'),
    }


@pytest.mark.parametrize('source', ['pass', 'pass/parsed.jsonl', 'cache'])
def test_comparison_with_annotations(folder, source):
    done = run(
        folder,
        'compare',
        source,
        '--ann',
        'ann.json',
        '--vocab',
        'mini',
        '--json',
    ).check()
    out = json.loads(done.text)
    assert out['images'] == 3 and out['outside_vocabulary'] == 1
    assert out['images_not_asked'] == out['images_not_annotated'] == 1
    # Ball: labeled in a (right, .9) and b (wrong), missed in c: (1 + 2/3)/2.
    assert out['all']['precision'] == pytest.approx(200 / 3)
    assert out['all']['recall'] == pytest.approx(200 / 3)
    assert out['all']['mAP'] == pytest.approx(100 * (5 / 6 + 1) / 2)
    assert sorted(out['verbs']) == ['hold', 'ride']
    hold = out['verbs']['hold']
    assert (hold['true'], hold['predicted'], hold['correct']) == (2, 2, 1)
    assert hold['mAP'] == pytest.approx(500 / 6)
    aps = {(x['verb'], x['object']): x['AP'] for x in out['classes']}
    assert len(aps) == MINI.num_hois and aps[BIKE] == 100
    assert sum(ap is not None for ap in aps.values()) == 2


@pytest.mark.parametrize('source', ['cache', 'pass/parsed.jsonl'])
def test_table(folder, source):
    """The vocabulary is the cache's, or that of the annotations."""
    args = ('compare', source, '--ann', 'ann.json', '--by-verb')
    text = run(folder, *args).check().text
    lines = [line.split() for line in text.strip().splitlines()]
    assert lines[-3:] == [
        ['all', '3', '3', '2', '66.7', '66.7', '91.7'],
        ['hold', '2', '2', '1', '50.0', '50.0', '83.3'],
        ['ride', '1', '1', '1', '100.0', '100.0', '100.0'],
    ]


def test_comparison_of_teachers(folder):
    other = [
        make_label(*BALL, 0.5),
        make_label('kick', 'ball', 0.5),
        make_label(*BIKE, 0.5),
    ]
    write_lines(
        folder / 'other.jsonl',
        [dict(image_id='a.png', interactions=other)],
    )
    (folder / 'objects.jsonl').write_text(
        '{"image_id": "a.png", "objects": ["person", "ball"]}\n'
    )
    args = ('compare', 'cache', 'other.jsonl', '--ann', 'ann.json')
    text = run(folder, *args).check().text
    lines = [line.split() for line in text.splitlines()]
    # Two of three images are annotated with "hold ball"; one label of the
    # cache is false: the ball of b.png has no interaction.
    for row in (
        ['cache', '3', '1', '1.00', '66.7', '66.7', '91.7'],
        ['other.jsonl', '1', '0', '3.00', '33.3', '100.0', '100.0'],
        ['false,', 'in', '%', 'labels', 'wrong', 'verb', 'extra', 'verb',
         'other', 'object'],
        ['cache', '1', '0.0', '0.0', '100.0'],
        ['other.jsonl', '2', '0.0', '50.0', '50.0'],
        ['recall', 'by', 'images', '1-9', '10-29', '30-99', '100+'],
        ['cache', '66.7', '-', '-', '-'],
        ['other.jsonl', '100.0', '-', '-', '-'],
    ):  # fmt: skip
        assert row in lines
    assert not any('hold' in line for line in lines)
    # Both describe a.png alone; there they agree on the ball only.
    assert text.endswith(
        'medians: 2.00 labels an image, precision 50.0, recall 83.3, '
        'mAP 95.8\n'
        'all: 25.0 % of the images unlabeled; of 3 false labels wrong verb '
        '0.0 %, extra verb 33.3 %, other object 66.7 %\n'
        'another teacher of the image repeats 100.0 % of the true and 0.0 % '
        'of the false labels\n'
    )
    done = run(folder, *args, '--objects', 'objects.jsonl', '--json').check()
    first, second = map(json.loads, done.text.splitlines())
    assert (first['source'], second['source']) == ('cache', 'other.jsonl')
    assert first['false_labels'] == second['false_labels'] | dict(extra_verb=0)
    assert second['false_labels'] == dict(
        wrong_verb=0, extra_verb=1, unused_object=0, absent_object=1
    )


@pytest.mark.parametrize(
    'args, images',
    [
        (['--ids', 'list.txt'], ['a.png', 'c.png']),
        (['--without', 'list.txt'], ['b.png']),
        (['--ids', 'list.txt', '--without', 'one.txt'], ['a.png']),
    ],
)
def test_comparison_of_selected_images(folder, args, images):
    # Selected by key and by annotation id; other images are skipped.
    (folder / 'list.txt').write_text('./a.png\n2\n\nnone.png\n')
    (folder / 'one.txt').write_text('c.png\n')
    command = ('compare', 'pass', '--ann', 'ann.json', '--json', *args)
    out = json.loads(run(folder, *command).check().text)
    assert out['images'] == len(images)
    assert out['images_not_annotated'] == 4 - len(images)


def test_cache_is_verified(folder, tmp_path):
    text = run(folder, 'check', 'cache').check().text
    assert text.startswith('whole: 4 images, 5 interactions')
    shutil.copytree(folder / 'cache', tmp_path / 'cache')
    with open(tmp_path / 'cache/knowledge.safetensors', 'r+b') as file:
        file.seek(-1, 2)
        file.write(b'?')
    done = run(tmp_path, 'check', 'cache')
    assert done.code == 1 and 'damaged' in done.text


def test_bad_input_is_a_one_line_error(folder):
    (folder / 'empty.json').write_text(
        (folder / 'ann.json').read_text().replace('.png', '.jpg')
    )
    other = json.loads((folder / 'ann.json').read_text())
    other['verbs'][0] = 'juggle'
    (folder / 'other.json').write_text(json.dumps(other))
    (folder / 'all.txt').write_text('0\n1\n2\n3\n')
    (folder / 'else.jsonl').write_text(
        '{"image_id": "e.png", "objects": ["ball"]}\n'
    )
    for args, message in (
        (('show', 'nowhere'), 'nowhere'),
        (('show', 'pass', '--out', 'x'), '--images'),
        (('compare', 'pass', '--ann', 'other.json'), '--vocab'),
        (('compare', 'cache', '--ann', 'none.json'), 'none.json'),
        (('compare', 'cache', '--ann', 'empty.json'), 'no key of cache'),
        (('compare', 'pass', 'none', '--ann', 'ann.json'), 'none'),
        (('compare', 'cache', '--ann', 'ann.json', '--ids', 'ann.json'),
         'ann.json: no line is the key or id'),
        (('compare', 'cache', '--ann', 'ann.json', '--without', 'all.txt'),
         'no image is left'),
        (('compare', 'cache', '--ann', 'ann.json', '--objects', 'else.jsonl'),
         'no key of cache'),
        (('compare', 'cache', '--ann', 'ann.json', '--vocab', 'hico_det'),
         'field "vocabulary.name"')):  # fmt: skip
        done = run(folder, *args)
        assert done.code == 1
        last = done.text.splitlines()[-1]
        assert last.startswith('inspect_cache.py:') and message in last


@pytest.mark.parametrize('place', [0, 1])
def test_standard_library_inspect_is_not_shadowed(folder, place):
    code = (
        f'import sys; sys.path.insert({place}, {str(TOOL.parent)!r}); '
        'import inspect; print(inspect.getsource(inspect.unwrap)[:10]); '
        f'print(sys.path[{place}])'
    )
    done = run_command('python', '-c', code, cwd=folder).check()
    assert done.text.splitlines() == ['def unwrap', str(TOOL.parent)]
