"""Session of the web demo without Gradio, with hostile files."""

import io
import json
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from PIL import Image

from clhoi_mm.apis import HOIInferencer
from clhoi_mm.apis.demo_session import DemoSession, UserInputError
from tests.data_utils import REPO
from tests.tool_utils import assert_in, run_tool


@pytest.fixture(scope='module')
def inferencer(world):
    return HOIInferencer(
        weights=world / 'model.pth', device='cpu', show_progress=False
    )


@pytest.fixture(scope='module')
def page(inferencer, images):
    return DemoSession(inferencer, images[:2], max_bytes=300_000, keep=3)


@pytest.fixture
def upload(tmp_path):
    def write(data, name='upload'):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_list_equals_the_inferencers_predictions(page, inferencer, images):
    (found,) = inferencer(images[0])['predictions']
    hois = found['hois']
    view = page.predict(page.add_image(images[0]), hois['scores'][6] - 1e-6)
    vocabulary = inferencer.classifier.vocabulary
    assert view.num_above == 7
    assert [(row.sentence, row.score) for row in view.rows] == [
        (vocabulary.sentence(verb, obj), pytest.approx(score))
        for verb, obj, score in zip(
            hois['verb_labels'], hois['object_labels'], hois['scores'][:7]
        )
    ]
    assert view.rows[0].boxes == [
        pytest.approx(hois['human_bboxes'][0]),
        pytest.approx(hois['object_bboxes'][0]),
    ]
    assert view.prediction['hois'] == hois
    plain = cv2.imread(str(images[0]))
    assert view.picture.shape[1] / view.picture.shape[0] <= 224 / 160 + 0.01
    assert len(plain) < len(view.picture)


def test_best_pairs_below_the_threshold_are_listed_only(page, images):
    number = page.add_image(images[0])
    view = page.predict(number, 1.1)
    assert view.num_above == 0
    assert view.rows == page.predict(number, 0).rows[:5]
    drawn = page.predict(number, view.rows[0].score - 1e-6)
    assert drawn.num_above >= 1
    assert not np.array_equal(view.picture, drawn.picture)


def test_threshold_and_phrases_change_the_picture(page, images):
    number = page.add_image(images[0])
    whole = page.predict(number, 0)
    none = page.predict(number, 1)
    assert none.num_above == 0 and whole.num_above > 5
    assert not np.array_equal(none.picture, whole.picture)

    sentence = whole.rows[2].sentence
    some = page.predict(number, 0, f' {sentence},\n{sentence} \n\n')
    assert {row.sentence for row in some.rows} == {sentence}
    with pytest.raises(UserInputError, match='unicorn'):
        page.predict(number, 0, 'ride unicorn')
    with pytest.raises(UserInputError, match='at most 20 phrases'):
        page.predict(number, 0, '\n'.join(f'ride {i}' for i in range(21)))
    # The first page is unchanged.
    assert page.predict(number, 0).rows == whole.rows


def test_number_of_kept_images_is_limited(page, images):
    numbers = [page.add_image(images[0]) for _ in range(4)]
    with pytest.raises(UserInputError, match='open it again'):
        page.predict(numbers[0], 0.5)
    for number in numbers[1:]:
        page.predict(number, 1)


def png(width, height, rows=b''):
    """Build a PNG of a stated size with arbitrary rows."""

    def chunk(kind, data):
        return (
            struct.pack('>I', len(data))
            + kind
            + data
            + struct.pack('>I', zlib.crc32(kind + data))
        )

    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
        + chunk(b'IDAT', zlib.compress(rows))
        + chunk(b'IEND', b'')
    )


def encoded(kind, **options):
    file = io.BytesIO()
    Image.new('RGB', (8, 6), 'red').save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    'data, part',
    [
        (b'', 'No image can be read'),
        (b'<svg onload="alert(1)"/>', 'No image can be read'),
        (b'#!/bin/sh\nrm -rf /\n', 'No image can be read'),
        (encoded('PNG')[:50], 'No image can be read'),
        (encoded('JPEG')[:100], 'No image can be read'),
        # Formats with a history of vulnerabilities are never decoded.
        (encoded('TIFF'), 'No image can be read'),
        (encoded('GIF'), 'No image can be read'),
        # Bombs: 10 GB of zeros in a few kilobytes, and a header stating it.
        (
            png(60_000, 60_000, bytes(1_000_000)),
            '3600000000 pixels; the limit is 20 million',
        ),
        (png(5_000, 5_000), '5000 x 5000 pixels; the limit is 20 million'),
        (png(0, 0), 'No image can be read'),
        (bytes(400_000), 'too large; the limit is'),
    ],
)
def test_hostile_files(page, upload, data, part):
    with pytest.raises(UserInputError, match=part):
        page.add_image(upload(data, 'ride;rm -rf $HOME .png'))


def test_exif_orientation_is_applied(page, upload):
    exif = Image.Exif()
    exif[0x0112] = 6
    number = page.add_image(upload(encoded('JPEG', exif=exif)))
    picture = page.predict(number, 1).picture
    assert picture.shape[0] > picture.shape[1]


def test_pixels_equal_the_image_readers(page, upload):
    # Not white, as clipping values above 255 would give.
    gray = Image.fromarray(np.full((6, 8), 0x4000, np.uint16))
    file = io.BytesIO()
    gray.save(file, 'PNG')
    number = page.add_image(upload(file.getvalue()))
    assert (page._images[number].pixels == 0x40).all()


def test_polyglots_are_treated_as_images_only(page, upload):
    evil = b'<script>alert(1)</script><?php system($_GET["c"]); ?>'
    for kind in ('JPEG', 'PNG', 'BMP'):
        number = page.add_image(upload(encoded(kind) + evil, '../x.php.png'))
        view = page.predict(number, 1)
        assert view.picture.dtype == np.uint8 and view.num_above == 0


def test_jpeg_with_a_thousand_scans(page, upload):
    data = encoded('JPEG', progressive=True)
    last = data.rindex(b'\xff\xda')
    scan = data[last:-2]
    with pytest.raises(UserInputError, match='No image can be read'):
        page.add_image(upload(data[:last] + scan * 1000 + data[-2:]))


def test_extreme_aspect_ratios(page, upload):
    file = io.BytesIO()
    Image.new('RGB', (1, 20_000)).save(file, 'PNG')
    number = page.add_image(upload(file.getvalue()))
    with pytest.raises(
        UserInputError, match='^Detection failed.* 1 x 20000 pixels'
    ):
        page.predict(number, 0.5)


def test_twenty_concurrent_sessions(inferencer, images, tmp_path):
    page = DemoSession(inferencer, max_bytes=300_000, keep=40)
    good = images[0].read_bytes()
    wanted = page.predict(page.add_image(images[0]), 0.01).rows
    hostile = (
        png(60_000, 60_000, bytes(1_000_000)),
        good[:-200],
        b'<svg onload="alert(1)"/>',
        bytes(400_000),
    )

    def visit(number):
        path = tmp_path / f'{number}.png'
        path.write_bytes(hostile[number % 4] if number % 2 else good)
        try:
            return page.predict(page.add_image(path), 0.01).rows
        except UserInputError as error:
            return str(error)

    with ThreadPoolExecutor(20) as visitors:
        found = list(visitors.map(visit, range(20)))
    assert found[::2] == [wanted] * 10
    assert all(isinstance(text, str) for text in found[1::2])
    assert page.predict(page.add_image(images[0]), 0.01).rows == wanted


def test_unreadable_examples_are_skipped(inferencer, images, upload):
    page = DemoSession(inferencer, [upload(b'no image', 'bad.png'), images[1]])
    assert page.examples == [str(images[1])]
    assert len(page.pictures) == 1 and 'bad.png' in page.unreadable[0]


def test_teacher_captions_are_shown_where_available(
    tmp_path, inferencer, images
):
    name = images[1].name
    key = f'test/images/{name}'
    answer = dict(key=key, caption='A man rides a bicycle.', answer='')
    fields = dict(source='prose', in_vocabulary=True)
    ride = dict(verb='ride', object='bicycle', score=0.5, **fields)
    other = dict(verb='tame', object='unicorn', score=None, **fields)
    folder = tmp_path / 'pass'
    folder.mkdir()
    (folder / 'raw.jsonl').write_text(json.dumps(answer) + '\n')
    (folder / 'parsed.jsonl').write_text(
        json.dumps(dict(image_id=key, interactions=[ride, other])) + '\n'
    )
    page = DemoSession(inferencer, images[:2], str(folder))
    assert page.teacher_text(0) == ''
    assert page.teacher_text(1).splitlines() == [
        '"A man rides a bicycle."',
        'a person rides a bicycle  0.50',
        'tame unicorn',
    ]


def test_tool_reports_missing_files(world):
    done = run_tool(
        REPO / 'tools/web_demo.py',
        '--weights',
        'model.pth',
        '--examples',
        'nowhere.png',
        cwd=world,
    )
    assert done.code == 1
    assert_in(
        done.text,
        'nowhere.png: no such image'
        if find_spec('gradio')
        else "Gradio is missing; 'make web' installs it",
    )
