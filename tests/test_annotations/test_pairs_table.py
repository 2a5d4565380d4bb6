"""Tables of pairs from pandas, Excel and text editors."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.annotations.pairs_table import PairRow, read_pairs

HEADER = ('human_ann_id', 'object_ann_id', 'verb', 'invisible')
ROWS = [(5, 6, 'push', False), (7, None, 'wave', True)]


def read(path):
    return [
        (row.human, row.obj, row.verb, row.invisible)
        for row in read_pairs(path)
    ]


TABLES = {
    'plain': 'human_ann_id,object_ann_id,verb,invisible\n'
    '5,6,push,0\n7,,wave,1',
    'pandas': ',human_ann_id,object_ann_id,verb,invisible\n'
    '0,5,6.0,push,False\n1,7,nan,wave,True\n',
    'semicolon': '\r\n'.join(
        [
            'human_ann_id;object_ann_id;verb;invisible',
            '5;6,0;push;',
            '7;;wave;1',
        ]
    ),
    'excel': 'sep=;\n"Human_Ann_ID";"Object Ann-ID";" Verb ";Invisible\n'
    '5;6;push;FALSE\n7;#N/A;wave;TRUE\n;;;\n',
    'note': 'note,human_ann_id,object_ann_id,verb,invisible\n'
    '"of two\nlines, ""so""",5,6,"push",0\n,7,,"wave",1\n',
    'tab': 'verb\tnote\tobject_ann_id\thuman_ann_id\tinvisible\n'
    'push\ta, b; c\t6\t5\t\nwave\t\tNULL\t7\tyes\n',
    'short': 'human_ann_id, object_ann_id, verb, invisible\n'
    '5, 6, push\n\n7, <NA>, wave, x\n',
}
ENCODINGS = ('utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-32', 'cp1252')


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('table', TABLES)
def test_tables_are_equal(tmp_path, table, encoding):
    path = tmp_path / 'pairs.csv'
    path.write_bytes(TABLES[table].encode(encoding))
    assert read(path) == ROWS


def test_json_equals_the_table(tmp_path):
    rows = [dict(zip(HEADER, row)) for row in ROWS]
    columns = {
        name: {str(i): row[name] for i, row in enumerate(rows)}
        for name in HEADER
    }
    lists = {name: [row[name] for row in rows] for name in HEADER}
    floats = [
        dict(rows[0], object_ann_id=6.0),
        dict(rows[1], object_ann_id=float('nan'), human_ann_id='7'),
    ]
    bare = [rows[0], {k: v for k, v in rows[1].items() if v is not None}]
    path = tmp_path / 'pairs.json'
    for content in (rows, columns, lists, floats, bare):
        for encoding in ENCODINGS:
            path.write_bytes(json.dumps(content).encode(encoding))
            assert read(path) == ROWS, (content, encoding)
    path = path.with_suffix('.jsonl')
    path.write_text('\n'.join(map(json.dumps, rows)) + '\n\n')
    assert read(path) == ROWS


def test_latin_1_encoding_is_read_and_reported(tmp_path, caplog):
    path = tmp_path / 'pairs.csv'
    path.write_bytes(
        'human_ann_id,object_ann_id,verb,note\n5,6,push,café\n'.encode(
            'cp1252'
        )
    )
    assert read(path) == [(5, 6, 'push', False)]
    (message,) = caplog.messages
    assert message.startswith(f'{path}: no UTF-8')
    assert 'read as Windows-1252' in message


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2**53)
            | st.from_regex('[a-f][a-f0-9]{3}!', fullmatch=True),
            st.none() | st.integers(0, 2**60),
            st.from_regex('[a-z]{3,9}( [a-z]{2,5},?)?', fullmatch=True).filter(
                lambda verb: verb not in ('nan', 'null', 'nat', 'none')
            ),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    ),
    delimiter=st.sampled_from(',;\t|'),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(ENCODINGS),
    order=st.permutations(range(4)),
)
def test_written_table_is_read_back(
    tmp_path_factory, rows, delimiter, quoting, encoding, order
):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    for row in (HEADER, *rows):
        writer.writerow([row[i] for i in order])
    path = tmp_path_factory.mktemp('table') / 'pairs.csv'
    path.write_bytes(text.getvalue().encode(encoding))
    assert read(path) == rows


HEAD = b'human_ann_id,object_ann_id,verb\n'
BAD = {
    b'PK\x03\x04rest': 'an Excel workbook.*save the table as CSV',
    b'\xd0\xcf\x11\xe0': 'an old Excel workbook',
    b'\x00\x81\x82\xff\x00': 'no text',
    b'': 'no column human_ann_id',
    b'human_ann_id,object_ann_id\n5,6\n': "no column.*'human_ann_id,object",
    b'5,6,push\n': "in the header, which is '5,6,push'",
    b'human_ann_id,object_ann_id,verb\n5,six,push\n\n5.5,,x': 'line 4, column '
    "'human_ann_id': '5.5' is no annotation id; give",
    b'human_ann_id,object_ann_id,verb\n5,1e300,push': "'1e300' is no annotat",
    HEAD + b'5,6,"ride\n5,6,push\n5,6,sit\n': 'line 2: .*not closed; close',
    HEAD + b'5,6,push\n5,6,"ride': 'line 3: .*not closed',
    HEAD + b'5,6,"ride\n5,6,"push"\n': 'line 2: .*not closed',
    HEAD + b'5,6,"ride\n5,6,push"\n': "line 2, column 'verb'.*a line break",
    HEAD + b'5,6,ri\0de\n': 'line 2.*(control character|NUL)',
    HEAD + b'5,"a\nb",ride\n': "line 2, column 'object_ann_id'.*line break",
}


@pytest.mark.parametrize('data', BAD)
def test_bad_tables_are_errors(tmp_path, data):
    path = tmp_path / 'pairs.csv'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=BAD[data]) as error:
        read_pairs(path)
    assert 'pairs.csv' in str(error.value)


@pytest.mark.parametrize('count', [500, 50_000])
def test_unclosed_quote_loses_no_row(tmp_path, count):
    path = tmp_path / 'pairs.csv'
    rows = '7,"open,5,6,a\n' + 'x,y,5,6,b\n' * count
    path.write_text('id,note,human_ann_id,object_ann_id,verb\n' + rows)
    with pytest.raises(ValueError, match='pairs.csv, line 2: .*not closed'):
        read_pairs(path)


@pytest.mark.parametrize(
    'text, message',
    [
        ('{', 'pairs.json: not valid JSON'),
        ('7', 'pairs.json: a list of pairs is expected'),
        ('[7]', 'record 0: 7 is no object'),
        ('[{"verb": "ride"}]', 'record 0: no human_ann_id'),
        (
            '[{"human_ann_id": [1], "verb": "ride"}]',
            r"record 0, column 'human_ann_id': \[1\] is no annotation id",
        ),
        (
            '[{"human_ann_id": 1, "verb": 3}]',
            "record 0, column 'verb': 3 is no verb",
        ),
        (
            '[{"human_ann_id": 1, "object_ann_id": 2, "verb": "ri\\nde"}]',
            "record 0, column 'verb': .* holds a line break",
        ),
        ('[' * 100000, 'not valid JSON'),
    ],
)
def test_bad_json_is_an_error(tmp_path, text, message):
    path = tmp_path / 'pairs.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_pairs(path)


@settings(max_examples=150)
@given(
    data=st.binary(max_size=60),
    name=st.sampled_from(['a.csv', 'a.json', 'a.jsonl']),
    header=st.booleans(),
)
def test_any_bytes_are_read_or_an_input_error(
    tmp_path_factory, data, name, header
):
    path = tmp_path_factory.mktemp('any') / name
    path.write_bytes(b'human_ann_id,object_ann_id,verb\n' * header + data)
    try:
        rows = read_pairs(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(row, PairRow) and row.verb for row in rows)
