"""Image reader: decoded pixels of every format."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from clhoi_mm.utils.image_folder import READABLE
from clhoi_mm.utils.image_reader import (
    UnreadableImage,
    read_image,
    read_image_size,
)

ORIENTATION = 0x0112
FORMATS = {
    'JPEG': dict(quality=95),
    'PNG': {},
    'WEBP': dict(lossless=True),
    'TIFF': {},
}
COMPRESSED = ('JPEG', 'PNG', 'GIF')
# EXIF orientations as operations on an array (H, W, 3).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.fixture
def stored():
    """Build four quarters of different colors, 16 x 24."""
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:8, :12], pixels[:8, 12:] = (250, 10, 10), (10, 250, 10)
    pixels[8:, :12], pixels[8:, 12:] = (10, 10, 250), (240, 240, 240)
    return pixels


def encode(image, kind, **options):
    file = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(file, kind, **options)
    return file.getvalue()


def read(data, orientation='upright', **options):
    return np.asarray(read_image(io.BytesIO(data), orientation, **options))


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('kind', FORMATS)
def test_orientations(stored, kind, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encode(stored, kind, exif=exif, **FORMATS[kind])
    for choice, wanted in (
        ('stored', stored),
        ('upright', UPRIGHT[orientation](stored)),
    ):
        found = read(data, choice)
        assert found.shape == wanted.shape
        # JPEG mixes colors at the quarters' borders.
        near = np.abs(found.astype(int) - wanted).max(2) <= 6
        assert near.mean() > (0.7 if kind == 'JPEG' else 0.999)
        size = read_image_size(io.BytesIO(data), choice)
        assert size == wanted.shape[1::-1]


@pytest.mark.parametrize('kind', FORMATS)
def test_corrupt_metadata_is_ignored(stored, kind):
    for note in (b'Exif\x00\x00MM\x00*\x00\x00', 0, 9, 77):
        exif = note
        if isinstance(note, int):
            exif = Image.Exif()
            exif[ORIENTATION] = note
        elif kind == 'TIFF':
            continue  # There it is part of the file's structure.
        data = encode(stored, kind, exif=exif, **FORMATS[kind])
        assert read(data).shape == read(data, 'stored').shape == stored.shape


def test_16_bits_are_reduced_to_the_high_byte():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for kind in ('PNG', 'TIFF'):
        found = read(encode(values, kind))
        np.testing.assert_array_equal(found[..., 1], values >> 8)
        assert (found == found[..., :1]).all()
    dark = np.full((4, 4), 3000, np.int32)
    assert (read(encode(dark, 'TIFF')) == 3000 >> 8).all()


@pytest.mark.parametrize(
    'values, wanted',
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([0, 0.5, 1.5], [0, 1, 2]),
        ([0, 100, 255], [0, 100, 255]),
        ([-1, 0, 1], [0, 128, 255]),
        ([0, 500, 1000], [0, 128, 255]),
        ([np.nan, np.inf, 1], [0, 0, 255]),
        ([7e4, 7e4, 7e4], [0, 0, 0]),
    ],
)
def test_float_images(values, wanted):
    found = read(encode(np.array([values], np.float32), 'TIFF'))
    assert found[0, :, 0].tolist() == wanted


@given(
    st.lists(
        st.floats(width=32, allow_nan=True, allow_infinity=True),
        min_size=1,
        max_size=9,
    )
)
def test_any_float_gives_8_bits(values):
    found = read(encode(np.array([values], np.float32), 'TIFF'))
    assert found.shape == (1, len(values), 3)


def test_32_bit_integers():
    for values, wanted in (
        ([0, 100, 255], [0, 100, 255]),
        ([0, 256, 65535], [0, 1, 255]),
        ([0, 50_000, 100_000], [0, 128, 255]),
        ([-100, 0, 100], [0, 128, 255]),
    ):
        found = read(encode(np.array([values], np.int32), 'TIFF'))
        assert found[0, :, 0].tolist() == wanted


def test_modes(stored):
    image = Image.fromarray(stored)
    gray = np.asarray(image.convert('L'))
    for data, wanted, least in (
        (encode(image.convert('L'), 'PNG'), gray[..., None], 0),
        (encode(image.convert('1'), 'PNG'), None, 0),
        (encode(image.quantize(16), 'PNG'), stored, 8),
        (encode(image, 'GIF'), stored, 8),
        (encode(image, 'BMP'), stored, 0),
        (encode(image.convert('CMYK'), 'JPEG', quality=95), stored, 12),
        (encode(image.convert('CMYK'), 'TIFF'), stored, 1),
        (encode(image.convert('YCbCr'), 'TIFF'), stored, 4),
    ):
        found = read(data)
        assert found.shape == stored.shape and found.dtype == np.uint8
        if wanted is None:
            assert set(np.unique(found)) <= {0, 255}
        else:
            # Away from the edges of the quarters.
            wrong = np.abs(found.astype(int) - wanted)[2:5, 2:9]
            assert wrong.max() <= least


def test_transparency_is_blended_with_white():
    color = np.zeros((2, 3, 4), np.uint8)
    color[..., 0] = 200
    color[0, :, 3] = 0, 128, 255
    color[1, :, 3] = 255
    found = read(encode(color, 'PNG'))
    assert found[0, :, 0].tolist() == [255, 227, 200]
    assert found[0, :, 1].tolist() == [255, 127, 0]
    gray = np.zeros((1, 2, 2), np.uint8)
    gray[..., 1] = 0, 255
    assert read(encode(gray, 'PNG'))[0, :, 0].tolist() == [255, 0]
    palette = Image.new('P', (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    found = read(encode(palette, 'PNG', transparency=0))
    assert found[0].tolist() == [[255, 255, 255], [40, 50, 60]]
    colors = Image.new('RGB', (2, 1), (1, 2, 3))
    colors.putpixel((1, 0), (4, 5, 6))
    found = read(encode(colors, 'PNG', transparency=(1, 2, 3)))
    assert found[0].tolist() == [[255, 255, 255], [4, 5, 6]]


@pytest.mark.parametrize('kind', ['GIF', 'WEBP', 'TIFF', 'PNG'])
def test_first_frame_is_read(kind):
    frames = [Image.new('RGB', (8, 6), c) for c in ('red', 'blue', 'lime')]
    data = encode(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        **({'lossless': True} if kind == 'WEBP' else {}),
    )
    found = read(data)
    assert found.shape == (6, 8, 3) and (found == [255, 0, 0]).all()


def test_color_profiles_are_ignored(stored):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('XYZ'))
    data = encode(stored, 'PNG', icc_profile=profile.tobytes())
    np.testing.assert_array_equal(read(data), stored)


@pytest.mark.parametrize('progressive', [False, True])
@pytest.mark.parametrize('kind', [*FORMATS, 'GIF', 'BMP'])
def test_truncated_files(kind, progressive, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    options = dict(FORMATS.get(kind, {}))
    if progressive:
        options['progressive'] = True
    whole = encode(noise, kind, **options)
    path = tmp_path / 'cut'
    for part in (0, 1, 20, len(whole) // 2, int(len(whole) * 0.97)):
        # The rest is missing, or was reserved and never written, which equals
        # black in uncompressed formats.
        rests = {0, len(whole) - part if kind in COMPRESSED else 0}
        for rest in rests:
            path.write_bytes(whole[:part] + bytes(rest))
            with pytest.raises(UnreadableImage, match=str(path)):
                read_image(path, 'upright')
    path.write_bytes(whole + b'\n' * 9 + bytes(99))
    read_image(path, 'upright')


def test_files_that_are_not_images(tmp_path):
    for name, content in (
        ('a.png', b''),
        ('b.jpg', b'<html>404</html>'),
        ('c.png', bytes(5000)),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(OSError, match=f'{name}: no image can be decoded'):
            read_image(path, 'stored')
        with pytest.raises(ValueError, match=f'{name}: no image can be dec'):
            read_image_size(path, 'stored')
    with pytest.raises(UnreadableImage, match='directory'):
        read_image(tmp_path, 'stored')
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / 'none.png', 'stored')
    with pytest.raises(ValueError, match="'stored' or 'upright'"):
        read_image(tmp_path / 'a.png', 'left')


def test_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / 'x.jpg')
    for read in (read_image, read_image_size):
        with pytest.raises(UnreadableImage, match='x.jpg: no image can'):
            read(tmp_path / 'x.jpg', 'stored')


def test_too_many_pixels(stored):
    # A header that states 3.6 billion pixels.
    bomb = encode(Image.new('1', (6, 6)), 'PNG')
    header = b'IHDR' + struct.pack('>II', 60_000, 60_000) + bomb[24:29]
    bomb = (
        bomb[:12] + header + struct.pack('>I', zlib.crc32(header)) + bomb[33:]
    )
    for reader in (read_image, read_image_size):
        with pytest.raises(UnreadableImage, match='the image has 36000'):
            reader(io.BytesIO(bomb), 'stored')
    data = encode(stored, 'PNG')
    with pytest.raises(UnreadableImage, match='24 x 16 pixels; the limit'):
        read(data, max_pixels=383)
    assert read(data, max_pixels=384).shape == stored.shape
    with pytest.raises(UnreadableImage):
        read(data, formats=('JPEG',))


@given(data=st.data())
def test_damaged_files_raise_only_the_expected_error(data):
    kind = data.draw(st.sampled_from([*FORMATS, 'GIF', 'BMP']))
    content = bytearray(encode(np.eye(20, dtype=np.uint8) * 255, kind))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    for reader in (read_image, read_image_size):
        try:
            reader(io.BytesIO(bytes(content)), 'upright')
        except UnreadableImage:
            pass


@pytest.mark.parametrize('kind', ['PPM', 'TGA', 'AVIF', 'JPEG2000'])
def test_other_formats_of_pillow(tmp_path, stored, kind):
    if kind == 'AVIF' and not features.check('avif'):
        pytest.skip('this Pillow was built without AVIF')
    ending = {'JPEG2000': 'jp2'}.get(kind, kind.lower())
    path = tmp_path / f'photo.{ending}'
    path.write_bytes(encode(stored, kind))
    assert path.suffix in READABLE
    found = np.asarray(read_image(path, 'upright'))
    assert np.abs(found.astype(int) - stored).mean() < 8


@pytest.mark.parametrize('ending', ['HEIC', 'heif', 'nef', 'dng', 'jp2'])
def test_unsupported_formats_name_the_remedy(tmp_path, ending):
    path = tmp_path / f'IMG_1.{ending}'
    path.write_bytes(b'\0\0\0\x18ftypheic' + bytes(60))
    with pytest.raises(UnreadableImage, match='convert it to JPEG') as error:
        read_image(path, 'upright')
    assert str(path) in str(error.value)


def test_raw_photos_are_not_read_as_thumbnails(tmp_path, stored):
    path = tmp_path / 'photo.dng'
    path.write_bytes(encode(stored, 'TIFF'))
    for reader in (read_image, read_image_size):
        with pytest.raises(UnreadableImage, match='convert it to JPEG'):
            reader(path, 'upright')


def test_jpeg_named_heic_is_read(tmp_path, stored):
    path = tmp_path / 'photo.heic'
    path.write_bytes(encode(stored, 'JPEG'))
    assert read_image(path, 'upright').size == (24, 16)
