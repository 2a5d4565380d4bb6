"""Cache merged from several teachers, with agreement as score."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher import HashedTextEncoder, TeacherCache, pack_cache
from clhoi_mm.teacher.interaction import Interaction
from clhoi_mm.teacher.offline_stages import PARSED
from clhoi_mm.teacher.store.agreement import unite_teachers
from clhoi_mm.teacher.store.merge import read_pseudo_labels
from clhoi_mm.teacher.store.parsed_file import read_parsed, write_parsed
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO
from tests.tool_utils import run_command

ANNOTATE = REPO / 'tools' / 'teacher' / 'annotate.py'
MINI = HOIVocabulary.load('mini')
BALL, BIKE, BOX = ('hold', 'ball'), ('ride', 'bicycle'), ('juggle', 'box')
NAME = 'parsed.jsonl'


def teacher(folder, images, name=NAME):
    """Write a parsed folder with one caption per image."""
    folder.mkdir(parents=True)
    known = (BALL, BIKE)
    rows = [
        (
            key,
            [Interaction(*x, 1.0, x in known, source='caption') for x in said],
        )
        for key, said in sorted(images.items())
    ]
    write_parsed(folder / name, rows)
    (folder / 'answers.jsonl').write_text(
        ''.join(
            json.dumps(
                dict(
                    image_id=key, kind='caption', text=f'{folder.name} {key}.'
                )
            )
            + '\n'
            for key in sorted(images)
        )
    )
    return folder


@pytest.fixture
def folders(tmp_path):
    return [
        teacher(tmp_path / 'x', {'a': [BALL, BIKE], 'b': [BALL]}),
        teacher(tmp_path / 'y', {'a': [BALL], 'c': []}),
        teacher(tmp_path / 'z', {'a': [BALL, BOX], 'b': [BOX], 'c': [BIKE]}),
    ]


def united(folders, out, minimum=1, name=NAME):
    unite_teachers(folders, out, MINI, minimum, name)
    return {
        key: {x[:2]: x.score for x in found}
        for key, found in read_parsed(out / name)
    }


def test_merge_by_hand(folders, tmp_path):
    found = united(folders, tmp_path / 'one')
    assert found == {
        'a': {BALL: 1, BIKE: 1 / 3, BOX: 1 / 3},
        'b': {BALL: 1 / 2, BOX: 1 / 2},
        'c': {BIKE: 1 / 2},
    }
    report = unite_teachers(folders, tmp_path / 'two', MINI, 2, NAME)
    rows = dict(read_parsed(tmp_path / 'two' / NAME))
    assert {key: len(found) for key, found in rows.items()} == dict(
        a=1, b=0, c=0
    )
    assert rows['a'] == [Interaction(*BALL, 1.0, True, source='caption')]
    assert str(report) == (
        'agree: 3 images, on average answered by 2.3 teachers; 1 '
        'interactions, named 1 by 3; 5 named by fewer left out'
    )


def test_equal_scores(folders, tmp_path):
    unite_teachers(folders, tmp_path, MINI, 2, NAME, equal_scores=True)
    rows = dict(read_parsed(tmp_path / NAME))
    assert {x.score for found in rows.values() for x in found} == {1.0}


def test_captions_of_all_teachers_are_packed(folders, tmp_path):
    out = tmp_path / 'out'
    unite_teachers(folders, out, MINI, 2, NAME)
    labels = list(read_pseudo_labels(out / 'answers.jsonl', out / NAME))
    assert [x.sentences for x in labels] == [
        ['x a.', 'y a.', 'z a.'],
        ['x b.', 'z b.'],
        ['y c.', 'z c.'],
    ]
    pack_cache(labels, out, MINI, HashedTextEncoder(8))
    cache = TeacherCache(out, MINI)
    assert cache.get('a')['scores'].tolist() == [1]
    assert len(cache.get('a')['sentence_embeds']) == 3


PAIRS = st.sets(st.sampled_from([BALL, BIKE, BOX]))
TEACHERS = st.lists(
    st.dictionaries(st.sampled_from('abc'), PAIRS), min_size=1, max_size=4
)


@given(TEACHERS, st.randoms(use_true_random=False))
def test_agreement(tmp_path_factory, teachers, random):
    root = tmp_path_factory.mktemp('agreement')
    folders = [
        teacher(root / f'{i}', images) for i, images in enumerate(teachers)
    ]
    before = None
    for minimum in range(1, len(folders) + 1):
        found = united(folders, root / f'out{minimum}', minimum)
        shuffled = random.sample(folders, len(folders))
        assert found == united(shuffled, root / f'shuffled{minimum}', minimum)
        assert set(found) == set().union(*teachers)
        for key, scores in found.items():
            asked = [x[key] for x in teachers if key in x]
            for pair, score in scores.items():
                named = sum(pair in x for x in asked)
                assert named >= minimum
                assert 0 < score <= 1
                assert score == float(Fraction(named, len(asked)))
            # A higher minimum drops labels but changes no score.
            if before is not None:
                assert scores.items() <= before[key].items()
        before = found


def test_parquet_input_gives_the_same_bytes(folders, tmp_path):
    pytest.importorskip('pyarrow')
    images = {'a': [BALL, BIKE], 'b': [BALL]}
    other = [
        teacher(tmp_path / f'p{i}', images, name=PARSED) for i in range(2)
    ]
    assert united(other, tmp_path / 'out', 2, PARSED) == {
        'a': {BALL: 1, BIKE: 1},
        'b': {BALL: 1},
    }


def test_errors_write_nothing(folders, tmp_path):
    out = tmp_path / 'out'
    own = teacher(tmp_path / 'own', {'a': []})
    (own / 'raw').mkdir()
    unsorted = teacher(tmp_path / 'unsorted', {'a': [BALL], 'b': []})
    lines = (unsorted / NAME).read_text().splitlines(keepends=True)
    (unsorted / NAME).write_text(''.join(lines[::-1]))
    missing = tmp_path / 'missing'
    hico = HOIVocabulary.load('hico_det')
    for arguments, message in (
        ((folders, folders[0], MINI), 'is a teacher'),
        (([folders[0], folders[0]], out, MINI), 'named twice'),
        ((folders, own, MINI), 'holds answers of a teacher of its own'),
        ((folders, out, MINI, 4), 'must be 1 to 3'),
        ((folders, out, MINI, 0), 'must be 1 to 3'),
        ((folders, out, hico, 2), '"hold ball" is no class of the vocabulary'),
        (([unsorted, folders[0]], out, MINI, 1), 'stands behind'),
        (([missing, folders[0]], out, MINI, 1), 'answers.jsonl: no such file'),
    ):
        with pytest.raises((OSError, ValueError), match=message):
            unite_teachers(*(*arguments, 2)[:4], NAME)
        assert not any(out.glob('*'))


def test_command_line_tool(folders, tmp_path):
    def run(*args):
        return run_command('python', ANNOTATE, *args, cwd=tmp_path)

    own = ('--vocab', 'mini', '--parsed', NAME, '--out', 'out')
    text = run('agree', 'x', 'y', 'z', *own).check().text
    assert 'named 1 by 3; 5 named by fewer left out' in text
    text = run('pack', *own, '--text-encoder', 'hashed').check().text
    assert '3 images, 1 interactions' in text
    done = run('agree', 'x', 'nowhere', *own)
    assert done.code == 1
    assert done.text.startswith('annotate.py: nowhere/answers.jsonl: no such')


@pytest.mark.parametrize('name', [NAME, PARSED])
def test_answers_of_all_teachers_that_point_are_kept(folders, tmp_path, name):
    one, two = (0.5,) * 8, (1.0,) * 8
    for folder, pairs in zip(folders, ((one,), (two, one), ())):
        item = Interaction(*BALL, 1.0, True, source='list', pointed=pairs)
        write_parsed(folder / name, [('a', [item])])
    unite_teachers(folders, tmp_path / 'all', MINI, 2, name)
    ((_, (item,)),) = read_parsed(tmp_path / 'all' / name)
    # Two teachers point at the first pair.
    assert item.pointed == (one, two, one)
