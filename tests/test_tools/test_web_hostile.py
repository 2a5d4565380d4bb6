"""Hostile HTTP uploads do not stop the web demo."""

import io
import json
import struct
import urllib.error
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.test_tools.test_web_demo import WAIT, address, world  # noqa: F401

BORDER = 'border-of-parts'


def post(url, body, kind):
    request = urllib.request.Request(url, body, {'Content-Type': kind})
    return urllib.request.urlopen(request, timeout=4 * WAIT).read()


def upload(address, data, name='a.png'):  # noqa: F811
    """Upload a file and request its result.

    Returns:
        tuple: Whether there is a result, and its HTML; an HTTP error's code
        in place of these.
    """
    head = (
        f'--{BORDER}\r\nContent-Disposition: form-data; name="files"; '
        f'filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
    )
    body = head.encode() + data + f'\r\n--{BORDER}--\r\n'.encode()
    try:
        (path,) = json.loads(
            post(
                f'{address}gradio_api/upload',
                body,
                f'multipart/form-data; boundary={BORDER}',
            )
        )
        file = dict(path=path, meta=dict(_type='gradio.FileData'))
        event = json.loads(
            post(
                f'{address}gradio_api/call/upload',
                json.dumps(dict(data=[file, 1, ''])).encode(),
                'application/json',
            )
        )['event_id']
        answer = urllib.request.urlopen(
            f'{address}gradio_api/call/upload/{event}', timeout=4 * WAIT
        ).read()
    except urllib.error.HTTPError as error:
        return error.code
    text = answer.decode()
    if 'event: complete' not in text:
        return text
    line = text.split('event: complete', 1)[1].split('data: ', 1)[1]
    values = json.loads(line.splitlines()[0])
    # Without the number, which is server-side state.
    html, _ = values[-2:]
    return 'class="result"' in html, html


def png_header(width, height):
    """Build a PNG header of any size, almost without data."""

    def chunk(kind, data):
        return (
            struct.pack('>I', len(data))
            + kind
            + data
            + struct.pack('>I', zlib.crc32(kind + data))
        )

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + chunk(b'IDAT', zlib.compress(bytes(900_000)))
        + chunk(b'IEND', b'')
    )


def encoded(kind):
    file = io.BytesIO()
    Image.new('RGB', (64, 48), 'red').save(file, kind)
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    'data, name, wanted',
    [
        (png_header(60_000, 60_000), 'bomb.png', 'pixels; the limit'),
        (png_header(6_000, 6_000), 'bomb.png', '6000 x 6000 pixels'),
        (b'<svg onload="alert(1)"/>', 'a.svg', 'No image can be read'),
        (encoded('TIFF'), 'a.tif', 'No image can be read'),
        (encoded('PNG')[:60], 'cut.png', 'No image can be read'),
    ],
)
def test_hostile_file(address, data, name, wanted):  # noqa: F811
    found = upload(address, data, name)
    assert found[0] is False and wanted in found[1], found


@pytest.mark.slow
@pytest.mark.parametrize(
    'name',
    [
        '../../../../tmp/evil.png',
        '..%2f..%2fevil.png',
        '/etc/passwd',
        'a;rm -rf $HOME .png',
        'x' * 300 + '.png',
        'evil\\..\\..\\x.png',
    ],
)
def test_paths_in_the_file_name(address, world, name):  # noqa: F811
    before = set(world.rglob('*'))
    found = upload(address, encoded('PNG'), name)
    assert found == 400 or found == 500 or found[0], found
    assert set(world.rglob('*')) - before <= {world / 'web.log'}
    assert not [p for p in world.parent.glob('evil*')]


@pytest.mark.slow
def test_polyglot_file(address):  # noqa: F811
    evil = b'<script>alert(1)</script><?php system($_GET["c"]); ?>'
    assert upload(address, encoded('JPEG') + evil, 'x.php.jpg')[0]


@pytest.mark.slow
def test_twenty_concurrent_uploads(address, world):  # noqa: F811
    good = next((world / 'data/mini/test/images').iterdir()).read_bytes()
    alone = upload(address, good)
    assert alone[0]
    hostile = (
        png_header(60_000, 60_000),
        png_header(4_000, 5_000),
        b'GIF89a' + bytes(99),
        encoded('JPEG')[:-40],
    )
    files = [hostile[i // 2 % 4] if i % 2 else good for i in range(20)]
    with ThreadPoolExecutor(20) as visitors:
        found = list(visitors.map(lambda data: upload(address, data), files))
    # Beyond 16 waiting requests, an error is returned.
    served = [f for f in found[::2] if f == alone]
    assert len(served) >= 5, found
    assert not any(f[0] for f in found[1::2] if isinstance(f, tuple)), found
    assert upload(address, good) == alone
