import json
import os
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher import RawAnswer, write_raw_answers
from clhoi_mm.teacher.parsing import answer_parser
from clhoi_mm.teacher.parsing.caption_parser import CaptionParser, spacy_model
from clhoi_mm.teacher.parsing.parse_report import ParseReport
from clhoi_mm.teacher.parsing.parse_stage import parse_raw
from clhoi_mm.teacher.store.parsed_file import read_parsed, write_parsed
from clhoi_mm.teacher.store.raw_record import RawRecord
from clhoi_mm.vocabulary import HOIVocabulary
from tests.caption_utils import needs_captions
from tests.data_utils import REPO, find_shared

pytest.importorskip('lemminflect', reason="the extra 'teacher'")
HICO = HOIVocabulary.load('hico_det')
SHARED = find_shared()
ANNOTATE = REPO / 'tools' / 'teacher' / 'annotate.py'


def caption(image_id, text, **more):
    return dict(image_id=image_id, kind='caption', text=text, **more)


def listed(image_id, *pairs, **more):
    text = json.dumps(
        dict(interactions=[dict(verb=v, object=o) for v, o in pairs])
    )
    return dict(image_id=image_id, kind='list', text=text, **more)


def scored(image_id, verb, obj, score, text='yes'):
    return dict(image_id=image_id, kind='score', text=text, verb=verb,
                object=obj, score=score)  # fmt: skip


def write(path, records):
    path.write_text(
        ''.join(
            line if isinstance(line, str) else json.dumps(line) + '\n'
            for line in records
        )
    )
    return path


def parse(tmp_path, records, vocabulary=HICO, **options):
    raw = write(tmp_path / 'raw.jsonl', records)
    out = tmp_path / 'out' / 'parsed.jsonl'
    report = parse_raw(raw, vocabulary, out, progress=False, **options)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return rows, report


def pairs(row):
    return [(x['verb'], x['object']) for x in row['interactions']]


def test_answers_of_an_image_are_joined_and_images_sorted(tmp_path):
    rows, report = parse(tmp_path, [
        caption('b.jpg', 'A man is riding a bike.'),
        listed('a.jpg', ('holding', 'the cups'), ('sit on', 'Dining-Table')),
        caption('a.jpg', 'A woman holds a mug.'),
        scored('b.jpg', 'ride', 'bicycle', 0.75),
        scored('b.jpg', 'wash', 'bicycle', 0.9),
        scored('b.jpg', 'park', 'bicycle', 0.1),
        caption('c.jpg', 'Nobody is here.'),
    ])  # fmt: skip
    assert rows == [
        dict(
            image_id='a.jpg',
            interactions=[
                dict(
                    verb='hold', object='cup', score=1.0,
                    in_vocabulary=True, source='caption+list')
            ]),
        dict(
            image_id='b.jpg',
            interactions=[
                dict(
                    verb='wash', object='bicycle', score=0.9,
                    in_vocabulary=True, source='score'),
                dict(
                    verb='ride', object='bicycle', score=0.75,
                    in_vocabulary=True, source='caption+score')
            ]),
        dict(image_id='c.jpg', interactions=[])
    ]  # fmt: skip
    assert (report.records, report.images, report.interactions) == (7, 3, 3)
    assert report.invalid_pair == 1 and report.unlikely == 1
    assert report.frequent['ride bicycle'] == 1


def test_labels_outside_the_vocabulary_are_kept_and_counted(tmp_path):
    rows, report = parse(
        tmp_path,
        [
            listed(
                'a',
                ('juggle', 'orange'),
                ('hold', 'guitar'),
                ('no_interaction', 'cup'),
            )
        ],
    )
    assert pairs(rows[0]) == [('hold', 'guitar'), ('juggle', 'orange')]
    assert not any(x['in_vocabulary'] for x in rows[0]['interactions'])
    assert report.outside == {'hold guitar': 1, 'juggle orange': 1}
    assert report.in_vocabulary == 0


def test_invalid_pairs_are_dropped_and_counted(tmp_path):
    records = [listed('a', ('ride', 'cup'), ('ride', 'horse'))]
    rows, report = parse(tmp_path, records)
    assert pairs(rows[0]) == [('ride', 'horse')] and report.invalid_pair == 1
    rows, report = parse(tmp_path, records, keep_ruled_out=True)
    assert pairs(rows[0]) == [('ride', 'cup'), ('ride', 'horse')]
    assert report.invalid_pair == 0
    assert not rows[0]['interactions'][0]['in_vocabulary']


def test_undetected_objects_are_dropped_and_counted(tmp_path):
    records = [
        listed('a', ('ride', 'horse'), ('hold', 'cup'), ('hold', 'guitar')),
        caption('b', 'A man holds a cup.', objects=['person', 'horse']),
        caption('c', 'A man holds a cup.'),
    ]
    rows, report = parse(tmp_path, records)
    assert pairs(rows[1]) == [] and report.undetected == 1
    objects = dict(a=(HICO.person_label, HICO.object_label('horse')))
    rows, report = parse(tmp_path, records, objects=objects)
    assert [pairs(row) for row in rows] == [
        [('hold', 'guitar'), ('ride', 'horse')],
        [],
        [],
    ]
    assert report.undetected == 3


def test_bad_lines_are_saved_separately(tmp_path):
    good = [caption('a', 'A man rides a horse.'), caption('b', 'A dog.')]
    bad = [
        '{"image_id": "c", "ki\n', '["a"]\n', '\n',
        '{"image_id": "c", "kind": "poem", "text": ""}\n',
        '{"image_id": "c", "kind": "caption", "text": null}\n',
        '{"kind": "caption", "text": ""}\n', '\x00\x01\n',
        '{"image_id": "c", "kind": "score", "text": "maybe", '
        '"verb": "ride", "object": "horse"}\n'
    ]  # fmt: skip
    rows, report = parse(tmp_path, [good[0], *bad, good[1]])
    assert [row['image_id'] for row in rows] == ['a', 'b']
    assert pairs(rows[0]) == [('ride', 'horse')]
    assert report.records == 2 and report.rejected == len(bad) - 1
    kept = [
        json.loads(line)
        for line in open(report.rejected_file, encoding='utf-8')
    ]
    assert [row['text'] + '\n' for row in kept] == [
        line for line in bad if line.strip()
    ]
    assert [row['line'] for row in kept] == [2, 3, 5, 6, 7, 8, 9]
    assert 'raw.jsonl, line 2: no JSON' in kept[0]['reason']
    assert '"kind" must be one of caption, list, score' in kept[2]['reason']
    assert report.rejected_file in str(report)
    # Once corrected, the file of bad lines is removed.
    parse(tmp_path, good)
    assert not os.path.exists(report.rejected_file)


@needs_captions
@pytest.mark.parametrize(
    'text',
    [
        'She is laughing as she rides.',
        'A boy keeps his balance while he rides the wave.',
        'He smiles as he rides and he waves while he drives.',
    ],
)
def test_texts_with_infinite_recursion_in_old_versions(tmp_path, text):
    _, report = parse(tmp_path, [caption('a', text)])
    assert report.unparsed == 0
    assert not os.path.exists(report.unparsed_file)


@needs_captions
def test_parser_failure_is_recorded_with_its_line(tmp_path, monkeypatch):
    """A failing rule loses that text only."""
    read = CaptionParser.read

    def fail(parser, doc):
        if 'boom' in doc.text:
            raise RecursionError('maximum recursion depth exceeded')
        return read(parser, doc)

    monkeypatch.setattr(CaptionParser, 'read', fail)
    phrases = json.dumps(['riding a horse', 'boom', 'holding a cup'])
    rows, report = parse(
        tmp_path,
        [
            caption('a', 'A man is riding a horse.'),
            caption('b', 'A man goes boom.'),
            caption('b', 'A man is riding a horse.'),
            dict(image_id='c', kind='list', text=phrases),
        ],
    )
    assert [pairs(row) for row in rows] == [
        [('ride', 'horse')],
        [('ride', 'horse')],
        [('hold', 'cup'), ('ride', 'horse')],
    ]
    assert report.unparsed == 2 and report.unparsed_file in str(report)
    kept = [json.loads(line) for line in open(report.unparsed_file)]
    assert [(x['image_id'], x['kind'], x['line']) for x in kept] == [
        ('b', 'caption', 2),
        ('c', 'list', 4),
    ]
    assert kept[0]['reason'] == (
        f'{tmp_path}/raw.jsonl, line 2: RecursionError: maximum recursion '
        f'depth exceeded'
    )
    assert kept[0]['text'] == 'A man goes boom.'
    monkeypatch.undo()
    parse(tmp_path, [caption('a', 'A man goes boom.')])
    assert not os.path.exists(report.unparsed_file)


WORDS = st.lists(
    st.sampled_from(
        'a the man woman who she he it they is rides riding holds no not and '
        'or while as with of on horse bike cup wave , . ; - " ( ) \n 1. other '
        'each smiling as he rides'.split(' ')
    ),
    max_size=40,
).map(' '.join)


@given(st.one_of(st.text(), WORDS), st.sampled_from(['caption', 'list']))
def test_any_text_is_parsed_or_recorded(text, kind):
    report = ParseReport()
    parser = answer_parser.AnswerParser(HICO, report)
    first = parser.parse(RawRecord('a', kind, text))
    parser.parse(RawRecord('b', kind, 'A man rides a horse. It eats.'))
    assert parser.parse(RawRecord('a', kind, text)) == first
    for item in first.interactions:
        assert item.verb and item.object
        (item.verb + item.object).encode()


@needs_captions
def test_only_the_final_answer_is_parsed(tmp_path):
    rows, report = parse(
        tmp_path,
        [
            caption('a', '<think>A man feeds a cow.</think>He rides a horse.'),
            caption('b', '<think>A man feeds a cow.'),
            caption('c', "I'm sorry, but I can't describe people."),
            caption('d', json.dumps(dict(caption='A man rides a horse.'))),
            caption('e', '[{"verb": "ride", "object": "horse"}]'),
            caption('f', ''),
            dict(
                image_id='g',
                kind='list',
                text='A man feeds a cow.</think>["riding a horse"]',
            ),
        ],
    )
    assert [pairs(row) for row in rows] == [
        [('ride', 'horse')], [], [], [('ride', 'horse')], [('ride', 'horse')],
        [], [('ride', 'horse')]
    ]  # yapf: disable
    assert report.no_answer == dict(unfinished_reasoning=1, refused=1, empty=1)
    assert 'refused (1)' in str(report) and report.malformed == 0


@needs_captions
@pytest.mark.skipif(
    SHARED is None or not (SHARED / 'cases').is_dir(),
    reason='no ../shared/cases beside the repository',
)
def test_shared_cases(tmp_path):
    cases = SHARED / 'cases' / 'answers'
    expected = [json.loads(line) for line in open(cases / 'expected.jsonl')]
    out = tmp_path / 'out.jsonl'
    for name in {row['vocab'] for row in expected}:
        vocabulary = HOIVocabulary.load(name)
        parse_raw(cases / 'raw.jsonl', vocabulary, out, progress=False)
        rows = map(json.loads, out.read_text().splitlines())
        found = {row['image_id']: pairs(row) for row in rows}
        for row in expected:
            if row['vocab'] == name:
                assert sorted(found[row['image_id']]) == [
                    tuple(pair) for pair in row['expected']
                ], row['image_id']


def test_malformed_and_foreign_answers_are_counted(tmp_path):
    rows, report = parse(tmp_path, [
        dict(image_id='a', kind='list',
             text="[{'verb': 'ride', 'object': 'horse'}, {'verb': 'ho"),
        dict(image_id='b', kind='list', text='A man is riding a horse.'),
        caption('c', 'Un homme monte un cheval dans un champ vert.'),
        caption('d', '\u4e00\u4e2a\u4eba\u9a91\u7740\u4e00\u5339\u9a6c\u3002'
                ' \u5728 \u516c \u56ed \u91cc \u9762'),
    ])  # fmt: skip
    assert pairs(rows[0]) == pairs(rows[1]) == [('ride', 'horse')]
    assert pairs(rows[2]) == pairs(rows[3]) == []
    assert report.malformed == 2 and report.foreign == 2


@needs_captions
@pytest.mark.parametrize('reverse', [False, True])
def test_score_comes_from_the_structured_answer(tmp_path, reverse):
    """Captions state no confidence."""
    text = json.dumps(
        [
            dict(verb='ride', object='horse', score=0.25),
            dict(verb='feed', object='horse', score=0.75),
        ]
    )
    records = [
        caption('a', 'A man rides a horse. He feeds it. He pets the horse.'),
        dict(image_id='a', kind='list', text=text),
        dict(image_id='a', kind='list', text='A man is riding a horse.'),
        scored('a', 'feed', 'horse', 0.5),
    ]
    rows, _ = parse(tmp_path, records[::-1] if reverse else records)
    scores = {x['verb']: x['score'] for x in rows[0]['interactions']}
    assert scores == dict(ride=0.25, feed=0.5, pet=1.0)


def test_yes_or_no_replaces_a_missing_score(tmp_path):
    records = [
        scored('a', 'ride', 'horse', None, 'Yes.'),
        scored('b', 'ride', 'horse', None, 'No, they walk.'),
    ]
    rows, report = parse(tmp_path, records)
    assert [len(row['interactions']) for row in rows] == [1, 0]
    assert report.unlikely == 1


@pytest.mark.parametrize('suffix', ['.jsonl', '.parquet'])
def test_output_does_not_depend_on_the_order(tmp_path, suffix):
    if suffix == '.parquet':
        pytest.importorskip('pyarrow')
    records = [
        caption(f'{i % 40}.jpg', f'A man holds a {HICO.objects[i % 80]}.')
        for i in range(200)
    ] + [listed(f'{i}.jpg', ('ride', 'horse')) for i in range(20)]
    written = []
    for seed in (0, 1):
        random.Random(seed).shuffle(records)
        raw = write(tmp_path / 'raw.jsonl', records)
        out = tmp_path / f'{seed}{suffix}'
        parse_raw(raw, HICO, out, progress=False)
        written.append(out.read_bytes())
    assert written[0] == written[1]
    assert {path.name for path in tmp_path.iterdir()} == {
        'raw.jsonl',
        '0' + suffix,
        '1' + suffix,
    }


def test_parquet_equals_jsonl(tmp_path):
    parquet = pytest.importorskip('pyarrow.parquet')
    rows, _ = parse(
        tmp_path,
        [caption('b', 'A man rides a horse.'), caption('a', 'A dog.')],
    )
    images = list(read_parsed(tmp_path / 'out' / 'parsed.jsonl'))
    path = write_parsed(tmp_path / 'parsed.parquet', images)
    table = parquet.read_table(path).to_pylist()
    for row in table:
        for item in row['interactions']:
            assert item.pop('pointed') is None  # No label was located.
    assert table == rows
    assert list(read_parsed(path)) == images


def test_simulated_raw_answers_are_parsed(tmp_path):
    write_raw_answers(
        tmp_path / 'raw.jsonl',
        [
            RawAnswer(
                'x/a.jpg',
                'm',
                'A man holds a cup.',
                '[{"verb": "ride", "object": "horse", "score": 0.5}]',
            )
        ],
    )
    parse_raw(
        tmp_path / 'raw.jsonl', HICO, tmp_path / 'out.jsonl', progress=False
    )
    row = json.loads((tmp_path / 'out.jsonl').read_text())
    assert row['image_id'] == 'x/a.jpg'
    assert pairs(row) == [('hold', 'cup'), ('ride', 'horse')]
    assert [x['score'] for x in row['interactions']] == [1.0, 0.5]


def test_failed_run_keeps_the_old_file(tmp_path, monkeypatch):
    parse(tmp_path, [caption('a', 'A man holds a cup.')])
    before = (tmp_path / 'out' / 'parsed.jsonl').read_bytes()
    monkeypatch.setattr(
        'clhoi_mm.teacher.parsing.parse_stage._Images.row', lambda *args: 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        parse(tmp_path, [caption('b', 'A man holds a cup.')])
    assert (tmp_path / 'out' / 'parsed.jsonl').read_bytes() == before
    assert len(list((tmp_path / 'out').iterdir())) == 1


def test_command_line_tool(tmp_path):
    raw = write(
        tmp_path / 'raw.jsonl',
        [
            caption('b', 'A man is riding a bike.'),
            '{"broken\n',
            listed('a', ('ride', 'horse'), ('juggle', 'orange')),
        ],
    )
    out = tmp_path / 'parsed.jsonl'
    command = [sys.executable, ANNOTATE, 'parse', '--raw', raw, '--vocab',
               'hico_det', '--out', out]  # fmt: skip
    env = dict(os.environ, PYTHONPATH=str(REPO))
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row['image_id'] for row in rows] == ['a', 'b']
    assert 'juggle orange (1)' in done.stdout
    assert 'parsed.jsonl.rejected.jsonl' in done.stdout
    command[4] = tmp_path / 'none.jsonl'
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode != 0 and 'no such file' in done.stderr
    assert 'Traceback' not in done.stderr


def hide_spacy(monkeypatch):
    spacy_model.load_model.cache_clear()
    monkeypatch.setattr(spacy_model, 'find_spec', lambda name: None)


def test_without_spacy_only_prose_is_skipped(tmp_path, monkeypatch):
    hide_spacy(monkeypatch)
    records = [
        caption('a', 'A man is riding a horse and smiling.'),
        listed('a', ('feed', 'horse')),
        dict(image_id='b', kind='list', text='person - hold - cup'),
        dict(image_id='b', kind='list', text='["riding a bicycle"]'),
        scored('b', 'ride', 'horse', 0.75),
        caption('c', 'A child sleeps.'),
    ]
    rows, report = parse(tmp_path, records)
    assert [sorted(pairs(row)) for row in rows] == [
        [('feed', 'horse')],
        [('hold', 'cup'), ('ride', 'bicycle'), ('ride', 'horse')],
        [],
    ]
    assert report.unread == 2
    (line,) = [x for x in report.lines() if 'not read' in x]
    assert line.startswith('2 texts in prose were not read: ')
    assert 'python -m spacy download en_core_web_sm' in line
    assert 'lock-captions.txt' in line


def test_prose_alone_is_refused_without_spacy(tmp_path, monkeypatch):
    hide_spacy(monkeypatch)
    with pytest.raises(ImportError, match='all 2 answers are prose, and'):
        parse(tmp_path, [caption('a', 'A man sits.'), caption('b', 'It is.')])
    assert not (tmp_path / 'out' / 'parsed.jsonl').exists()


def test_output_does_not_depend_on_the_number_of_processes(tmp_path):
    records = [
        listed(f'{i:03d}', ('ride', 'horse'), ('hold', 'cup'))
        for i in range(300)
    ]
    records[7]['text'] = "[{'verb': 'ride', 'obj"
    one = parse(tmp_path, records)
    two = parse(tmp_path, records, workers=2)
    assert one[0] == two[0] and len(one[0]) == 300
    assert vars(one[1]) == vars(two[1]) and one[1].malformed == 1
    with pytest.raises(ValueError, match='workers must be 1 or more, got 0'):
        parse(tmp_path, records, workers=0)


@needs_captions
def test_captions_are_parsed_alike_in_several_processes(tmp_path):
    records = [
        caption(f'{i:03d}', f'A man rides a {thing}. Two women hold it.')
        for i, thing in enumerate(['horse', 'bicycle', 'boat'] * 100)
    ]
    assert (
        parse(tmp_path, records)[0]
        == (parse(tmp_path, records[::-1], workers=2)[0])
    )
