"""Single image reader of the package."""

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
# EXIF orientations: the transposition to upright pixels, and its inverse.
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
# Truncated downloads with preallocated size end with zeros.
_UNWRITTEN = bytes(64)


class UnreadableImage(OSError, ValueError):
    """Error for a damaged, too large or invalid image file."""


class ImageTooLarge(UnreadableImage):
    """Error for an image file with too many pixels.

    Args:
        message (str): Message with the name of the file.
        pixels (str): Formatted number of pixels.
    """

    def __init__(self, message: str, pixels: str = 'too many') -> None:
        super().__init__(message)
        self.pixels = pixels

    @classmethod
    def of(cls, name: str, pixels: str, limit: float) -> 'ImageTooLarge':
        """Create the error of a file.

        Args:
            name (str): Name of the file.
            pixels (str): Formatted number of pixels.
            limit (float): Maximum number of pixels.
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

    - Orientation (EXIF or XMP; JPEG, PNG, WebP, TIFF): 'stored' returns the
      stored pixels, to which annotations of data sets refer; 'upright'
      applies the orientation.
    - 16-bit integers: the high byte. Float: values within [0, 1] are
      multiplied by 255, values within [0, 255] are rounded, all others are
      scaled linearly from their minimum and maximum to 0 and 255; non-finite
      values become 0. 32-bit integers: as 16-bit ones if they fit into
      these and not in 8 bits, else as float.
    - Transparent pixels are put on a white background. CMYK is converted
      without a color profile, and embedded ICC profiles are ignored.
    - The first of several frames or pages is read.

    Args:
        source (str | PathLike | BinaryIO): A path, or an open file.
        orientation (str): 'stored' or 'upright'.
        formats (Sequence[str], optional): Pillow's names of accepted formats.
            Defaults to None: all.
        max_pixels (int, optional): Maximum number of pixels. Defaults to None:
            179 million, Pillow's own limit against decompression bombs.

    Returns:
        PIL.Image.Image: Mode 'RGB'.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableImage: If it is no image, truncated or damaged, or has too
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
            # Pillow's decoders raise various errors for damaged files.
            raise _unreadable(name, error) from error


def read_image_size(source: ImageSource, orientation: str) -> Tuple[int, int]:
    """Read width and height of :func:`read_image`'s result.

    In general only the header is decoded.

    Args:
        source (str | PathLike | BinaryIO): A path, or an open file.
        orientation (str): 'stored' or 'upright'.

    Returns:
        Tuple[int, int]: Width and height in pixels.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableImage: If it is no image, or has too many pixels.
    """
    _check(orientation)
    name = _name(source)
    _refuse_pipe(source)
    with _open(source, name) as image:
        size, turned = image.size, _tiff_orientation(image)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            # Pillow's later releases swap them, earlier ones do not.
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
    """Raise an error for a pipe, which would block forever."""
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
        # Raw photos open as TIFF files of their thumbnail.
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
        number = re.search(r'\d+', str(error))
        return ImageTooLarge.of(
            name,
            number.group() if number else 'too many',
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
    """Return a TIFF's orientation before Pillow may apply it."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.tag_v2.get(_ORIENTATION, 1)
    return 1


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:
        # A damaged EXIF block does not make the pixels unusable.
        return 1


def _turn(image: Image.Image, tagged: int, orientation: str) -> Image.Image:
    """Apply the orientation, or undo Pillow's own transposition.

    Args:
        image (PIL.Image.Image): Loaded image.
        tagged (int): Previous result of :func:`_tiff_orientation`.
        orientation (str): 'stored' or 'upright'.
    """
    left = _orientation(image)
    if orientation == 'upright':
        turn = _TURNS.get(left, (None, None))[0]
    else:
        # If a TIFF's tag is gone, Pillow has transposed the pixels.
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
    """Scale wider integers, or floats, to 8 bits."""
    if values.dtype != np.float32:
        low, high = int(values.min()), int(values.max())
        # Pillow's earlier releases give 16-bit PNG files 32 bits.
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
