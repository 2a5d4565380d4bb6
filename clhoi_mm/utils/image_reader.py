"""Read image files in one way, whoever asks."""

import io
import os
import re
from typing import BinaryIO, Optional, Sequence, Tuple, Union

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from .image_folder import FOREIGN

ImageSource = Union[str, os.PathLike, BinaryIO]

ORIENTATIONS = ('stored', 'upright')
# Background of transparent pixels.
BACKGROUND = (255, 255, 255)
_ORIENTATION, _WIDTH, _HEIGHT = 0x0112, 0x0100, 0x0101
# EXIF's orientations: what makes the stored pixels upright, and its inverse.
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,) * 2,
    3: (Image.Transpose.ROTATE_180,) * 2,
    4: (Image.Transpose.FLIP_TOP_BOTTOM,) * 2,
    5: (Image.Transpose.TRANSPOSE,) * 2,
    6: (Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_90),
    7: (Image.Transpose.TRANSVERSE,) * 2,
    8: (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270),
}
_SWAP_SIDES = (5, 6, 7, 8)
_JPEG_START, _JPEG_SCAN, _JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'
_NEED_CODEC = (*FOREIGN, '.avif', '.jp2', '.j2k', '.jpx')
# A download that reserved the file's full size leaves zeros.
_UNWRITTEN = bytes(64)


class UnreadableImage(OSError, ValueError):
    """An image file that is damaged, too large or no image."""


class ImageTooLarge(UnreadableImage):
    """An image file that states too many pixels to unpack them.

    Args:
        message (str): Names the file.
        pixels (str): How many, for people.
    """

    def __init__(self, message: str, pixels: str = 'too many') -> None:
        super().__init__(message)
        self.pixels = pixels

    @classmethod
    def of(cls, name: str, pixels: str, limit: float) -> 'ImageTooLarge':
        """The error of a file.

        Args:
            name (str): The file.
            pixels (str): How many, for people.
            limit (float): How many are allowed.
        """
        return cls(
            f'{name}: the image has {pixels} pixels; the limit is '
            f'{limit / 1e6:.3g} million',
            pixels,
        )


def read_image(
    source: ImageSource,
    orientation: str,
    formats: Optional[Sequence[str]] = None,
    max_pixels: Optional[int] = None,
) -> Image.Image:
    """Read an image file as 8-bit RGB.

    - Orientation (EXIF or XMP; JPEG, PNG, WebP, TIFF): 'stored' gives the
      pixels as they are stored, which is what annotated data sets are
      annotated on; 'upright' turns them as the camera says.
    - 16-bit integers: the high byte. Float: values within [0, 1] are
      multiplied by 255, values within [0, 255] are rounded, all others are
      scaled linearly from the least to 0 and the greatest to 255; what is not
      finite counts as 0. 32-bit integers: as 16-bit ones where they fit in
      these and not in 8 bits, else as float.
    - Transparent pixels lie on a white background. CMYK is converted without
      a color profile, and embedded ICC profiles are ignored.
    - Of several frames or pages the first is read.

    Args:
        source (str | PathLike | BinaryIO): The file, or one that is open.
        orientation (str): 'stored' or 'upright'.
        formats (Sequence[str], optional): Pillow's names of the formats that
            are accepted. Defaults to None: all.
        max_pixels (int, optional): Largest image. Defaults to None: 179
            million, Pillow's own limit against decompression bombs.

    Returns:
        PIL.Image.Image: Mode 'RGB'.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableImage: It is no image, is cut off or damaged, or has too
            many pixels (ImageTooLarge). The message names the file.
    """
    _check(orientation)
    data, name = _content(source)
    with _open(data, name, formats) as image:
        if max_pixels and image.size[0] * image.size[1] > max_pixels:
            raise ImageTooLarge.of(
                name, f'{image.size[0]} x {image.size[1]}', max_pixels
            )
        tagged = _tiff_orientation(image)
        try:
            image.load()
            image = _turn(image, tagged, orientation)
            return _as_rgb(image)
        except Exception as error:
            # Pillow's decoders raise all kinds of errors at damaged files.
            raise _unreadable(name, error) from error


def read_image_size(source: ImageSource, orientation: str) -> Tuple[int, int]:
    """Read width and height as :func:`read_image` would give them.

    Only the header is decoded, in general.

    Args:
        source (str | PathLike | BinaryIO): The file, or one that is open.
        orientation (str): 'stored' or 'upright'.

    Returns:
        Tuple[int, int]: Width and height in pixels.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableImage: It is no image, or has too many pixels.
    """
    _check(orientation)
    name = _name(source)
    _refuse_pipe(source)
    with _open(source, name) as image:
        size, turned = image.size, _tiff_orientation(image)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            # Later releases of Pillow swap them, earlier ones do not.
            size = image.tag_v2[_WIDTH], image.tag_v2[_HEIGHT]
        elif orientation == 'upright':
            turned = _orientation(image)
    if orientation == 'upright' and turned in _SWAP_SIDES:
        size = size[::-1]
    return size


def _check(orientation: str) -> None:
    if orientation not in ORIENTATIONS:
        raise ValueError(
            f"orientation must be 'stored' or 'upright', got {orientation!r}"
        )


def _name(source: ImageSource) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, 'name', 'the image'))


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _refuse_pipe(source: ImageSource) -> None:
    """Refuse what would be waited for without end."""
    if (
        isinstance(source, (str, os.PathLike))
        and os.path.exists(source)
        and not (os.path.isfile(source) or os.path.isdir(source))
    ):
        raise UnreadableImage(
            f'{source}: no image can be decoded from it; it is no regular file'
        )


def _content(source: ImageSource) -> Tuple[BinaryIO, str]:
    name = _name(source)
    _refuse_pipe(source)
    try:
        if isinstance(source, (str, os.PathLike)):
            with open(source, 'rb') as file:
                data = file.read()
        else:
            data = source.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(name, error) from error
    if (
        data.startswith(_JPEG_START)
        and data.endswith(_UNWRITTEN)
        and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN)
    ):
        raise UnreadableImage(
            f'{name}: no image can be decoded from it; it is truncated: its '
            'end was never written'
        )
    return io.BytesIO(data), name


def _open(
    source: ImageSource, name: str, formats: Optional[Sequence[str]] = None
) -> Image.Image:
    if _ending(name) in FOREIGN:
        # Raw photos are TIFF files of their thumbnail.
        Image.init()
        formats = [x for x in formats or Image.ID if x != 'TIFF']
    try:
        return Image.open(source, formats=formats)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> UnreadableImage:
    if isinstance(
        error, (Image.DecompressionBombError, Image.DecompressionBombWarning)
    ):
        found = re.search(r'\d+', str(error))
        return ImageTooLarge.of(
            name,
            found.group() if found else 'too many',
            2 * Image.MAX_IMAGE_PIXELS,
        )
    reason = str(error) or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        reason = 'no format is recognized'
        if _ending(name) in _NEED_CODEC:
            return UnreadableImage(
                f'{name}: no image can be decoded from it; Pillow here reads '
                f'no {_ending(name)}: convert it to JPEG, for example with '
                f'ImageMagick: magick IN{_ending(name)} OUT.jpg'
            )
    return UnreadableImage(
        f'{name}: no image can be decoded from it; it is truncated or of an '
        f'unknown type ({reason})'
    )


def _tiff_orientation(image: Image.Image) -> int:
    """The orientation that a TIFF states, before Pillow may act on it."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.tag_v2.get(_ORIENTATION, 1)
    return 1


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:
        # The picture is good where what the camera noted beside it is not.
        return 1


def _turn(image: Image.Image, tagged: int, orientation: str) -> Image.Image:
    """Turn loaded pixels, or turn back what Pillow has turned.

    Args:
        image (PIL.Image.Image): Loaded.
        tagged (int): What :func:`_tiff_orientation` gave before.
        orientation (str): 'stored' or 'upright'.
    """
    left = _orientation(image)
    if orientation == 'upright':
        turn = _TURNS.get(left, (None, None))[0]
    else:
        # Of a TIFF whose tag is gone Pillow has turned the pixels.
        turned = tagged if left == 1 else 1
        turn = _TURNS.get(turned, (None, None))[1]
    return image if turn is None else image.transpose(turn)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode == 'F' or image.mode.startswith('I'):
        return Image.fromarray(_as_bytes(np.asarray(image), image)).convert(
            'RGB'
        )
    if _has_alpha(image):
        image = image.convert('RGBA')
        below = Image.new('RGBA', image.size, (*BACKGROUND, 255))
        image = Image.alpha_composite(below, image)
    return image if image.mode == 'RGB' else image.convert('RGB')


def _has_alpha(image: Image.Image) -> bool:
    return (
        image.mode in ('LA', 'La', 'PA', 'RGBA', 'RGBa')
        or 'transparency' in image.info
        or (image.mode == 'P' and image.palette.mode.endswith('A'))
    )


def _as_bytes(values: np.ndarray, image: Image.Image) -> np.ndarray:
    """Scale integers of more than 8 bits, or floats, to 8 bits."""
    if values.dtype != np.float32:
        low, high = int(values.min()), int(values.max())
        # Earlier releases of Pillow give 16-bit PNG files 32 bits.
        is_16bit = values.dtype.itemsize == 2 or image.format == 'PNG'
        if low >= 0 and (is_16bit or 255 < high < 1 << 16):
            return (values >> 8).astype(np.uint8)
    values = np.nan_to_num(
        values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0
    )
    low, high = values.min(), values.max()
    if low < 0 or high > 255:
        values = (values - low) * 255 / (high - low or 1)
    elif high <= 1:
        values = values * 255
    return (values + 0.5).astype(np.uint8)
