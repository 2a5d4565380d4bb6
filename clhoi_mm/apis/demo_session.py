"""Session of a demo web page."""

import io
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.structures import InstanceData

from clhoi_mm.structures import HOIDataSample
from clhoi_mm.teacher.store.lookup import ImageRecord, read_image_records
from clhoi_mm.utils.image_reader import (
    ImageTooLarge,
    UnreadableImage,
    read_image,
)
from clhoi_mm.visualization import HOILocalVisualizer

from .hoi_inferencer import HOIInferencer

FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP')
# Maximum number of rows of the table and of interactions in the picture.
MOST = 30
# Brightness outside of a highlighted pair.
DIMMED = 0.35
# Maximum scans of a JPEG; each costs a pass over the image for few bytes.
MAX_SCANS = 100


class UserInputError(ValueError):
    """Invalid input of a visitor, with a message."""


@dataclass
class View:
    """Content of the page.

    Attributes:
        picture (np.ndarray): RGB, (H, W, 3) uint8.
        rows (list): Interaction and score in percent, the best first.
    """

    picture: np.ndarray
    rows: List[Tuple[str, float]]


@dataclass
class _StoredImage:
    pixels: np.ndarray  # RGB
    predictions: Dict[tuple, tuple] = field(default_factory=dict)


class DemoSession:
    """Visitors' images with their predictions and pictures.

    Args:
        inferencer (HOIInferencer): Detector.
        examples (Sequence[str]): Paths of example images.
        teacher (str, optional): A teacher job or cache, whose answers for the
            examples are shown.
        max_bytes (int): Maximum file size. Defaults to 10 MiB.
        max_pixels (int): Maximum image size. Defaults to 20 million.
        max_phrases (int): Maximum number of phrases. Defaults to 20.
        keep (int): Number of images that are kept. Defaults to 16.

    Attributes:
        examples (List[str]): Readable examples.
        pictures (List[np.ndarray]): Their pixels, RGB.
        unreadable (List[str]): Error message of each unreadable example.
    """

    def __init__(
        self,
        inferencer: HOIInferencer,
        examples: Sequence[str] = (),
        teacher: Optional[str] = None,
        max_bytes: int = 10 << 20,
        max_pixels: int = 20_000_000,
        max_phrases: int = 20,
        keep: int = 16,
    ) -> None:
        self.inferencer = inferencer
        self.examples: List[str] = []
        self.pictures: List[np.ndarray] = []
        self.unreadable: List[str] = []
        for path in map(os.fspath, examples):
            try:
                self.pictures.append(np.asarray(read_image(path, 'upright')))
                self.examples.append(path)
            except UnreadableImage as error:
                self.unreadable.append(str(error))
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.max_phrases = max_phrases
        self.keep = keep
        self._answers = self._read_teacher(teacher)
        self._visualizer = HOILocalVisualizer('web_page')
        self._images: 'OrderedDict[int, _StoredImage]' = OrderedDict()
        self._count = 0
        # Inferencer and visualizer are not thread-safe.
        self._lock = threading.Lock()

    def add_image(self, path: str) -> int:
        """Add an image.

        Args:
            path (str): An image file; its name is neither trusted nor used.

        Returns:
            int: The image's number, for :meth:`predict`.

        Raises:
            UserInputError: If it is no image, or too large.
        """
        with open(path, 'rb') as file:
            data = file.read(self.max_bytes + 1)
        if len(data) > self.max_bytes:
            raise UserInputError(
                'The file is too large; the limit is '
                f'{self.max_bytes / 2**20:g} MiB.'
            )
        # One image at a time, since each may take much memory.
        with self._lock:
            pixels = self._decode(data)
            self._count += 1
            self._images[self._count] = _StoredImage(pixels)
            while len(self._images) > self.keep:
                self._images.popitem(last=False)
            return self._count

    def predict(
        self,
        number: int,
        threshold: float,
        phrases: str = '',
        row: Optional[int] = None,
    ) -> View:
        """Detect and draw the interactions of an image.

        Args:
            number (int): Result of :meth:`add_image`.
            threshold (float): Minimum score in percent.
            phrases (str): Phrases to detect, separated by lines or commas;
                empty for the model's classes.
            row (int, optional): Row of the pair to highlight.

        Raises:
            UserInputError: If the image is no longer kept, or a phrase is
                invalid.
        """
        wanted = self._split(phrases)
        with self._lock:
            image = self._images.get(number)
            if image is None:
                raise UserInputError(
                    'The image is no longer available; open it again.'
                )
            self._images.move_to_end(number)
            if wanted not in image.predictions:
                # Only the latest phrases are cached.
                image.predictions = {
                    wanted: self._detect(image.pixels, wanted)
                }
            hois, columns = image.predictions[wanted]
            rows_shown = (hois.scores >= threshold / 100).nonzero()[:MOST, 0]
            rows = [
                (columns['texts'][i], round(100 * columns['scores'][i], 1))
                for i in rows_shown.tolist()
            ]
            hois, pixels = hois[rows_shown], image.pixels
            if row is not None and row < len(rows):
                pair = hois.human_bboxes[row], hois.object_bboxes[row]
                same = (hois.human_bboxes == pair[0]).all(1) & (
                    (hois.object_bboxes == pair[1])
                    | hois.object_bboxes.isnan()
                ).all(1)
                hois = hois[same]
                pixels = _spotlight(pixels, *(box.numpy() for box in pair))
            return View(self._draw(pixels, hois, columns), rows)

    def teacher_text(self, example: int) -> str:
        """Format the teacher's answer for an example; empty for none."""
        answer = self._answers.get(example)
        if answer is None:
            return ''
        lines = [f'"{answer.caption}"'] if answer.caption else []
        lines += [
            f'{i.verb} {i.object}'.replace('_', ' ') + f'  {100 * i.score:.0f}'
            for i in answer.interactions or ()
        ]
        return '\n'.join(lines)

    def _decode(self, data: bytes) -> np.ndarray:
        """Decode an image as RGB; check the header first."""
        limit = f'the limit is {self.max_pixels / 1e6:g} million.'
        try:
            if data.count(b'\xff\xda') > MAX_SCANS and data[:2] == b'\xff\xd8':
                raise UnreadableImage('the JPEG has too many scans')
            image = read_image(
                io.BytesIO(data), 'upright', FORMATS, self.max_pixels
            )
        except ImageTooLarge as error:
            raise UserInputError(
                f'The image has {error.pixels} pixels; {limit}'
            ) from error
        except UnreadableImage as error:
            raise UserInputError(
                'No image can be read from this file; give a '
                f'{", ".join(FORMATS)} file.'
            ) from error
        return np.asarray(image)

    def _split(self, phrases: str) -> Tuple[str, ...]:
        wanted = tuple(
            dict.fromkeys(
                part.strip()
                for part in phrases.replace(',', '\n').split('\n')
                if part.strip()
            )
        )
        if (
            len(wanted) > self.max_phrases
            or max(map(len, wanted), default=0) > 100
        ):
            raise UserInputError(
                f'Give at most {self.max_phrases} phrases of at '
                'most 100 letters.'
            )
        return wanted

    def _detect(
        self, pixels: np.ndarray, wanted: Tuple[str, ...]
    ) -> Tuple[InstanceData, dict]:
        try:
            (result,) = self.inferencer.stream(
                np.ascontiguousarray(pixels[..., ::-1]),
                vocabulary=list(wanted) or None,
                return_datasamples=True,
                bad_images='error',
            )
        except UnreadableImage as error:
            # Without the name, which is a number.
            reason = str(error).partition(': ')[2]
            raise UserInputError(f'Detection failed: {reason}.') from error
        except ValueError as error:
            raise UserInputError(str(error)) from error
        return result.data_sample.pred_hois, result.prediction['hois']

    def _draw(
        self, pixels: np.ndarray, hois: InstanceData, columns: dict
    ) -> np.ndarray:
        self._visualizer.dataset_meta = dict(
            verbs=_names(columns['verb_labels'], columns['verbs']),
            classes=_names(columns['object_labels'], columns['objects']),
        )
        sample = HOIDataSample()
        sample.pred_hois = hois
        self._visualizer.add_datasample(
            'page', pixels, sample, pred_score_thr=0.0, top_k=MOST
        )
        return self._visualizer.get_image()

    def _read_teacher(self, path: Optional[str]) -> Dict[int, ImageRecord]:
        """Read answers for examples by the ends of their paths."""
        if path is None:
            return {}
        keys = {
            '/'.join(PurePath(example).parts[-n:]): number
            for number, example in enumerate(self.examples)
            for n in range(1, len(PurePath(example).parts) + 1)
        }
        answers = read_image_records(
            path, keys, self.inferencer.classifier.vocabulary
        )
        return {
            keys[key]: answer
            for key, answer in answers.items()
            if answer.caption or answer.interactions is not None
        }


def _names(labels: Sequence[int], names: Sequence[Optional[str]]) -> List[str]:
    """Arrange known names by label, '' for others."""
    by_label = dict(zip(labels, names))
    return [
        by_label.get(i) or '' for i in range(max(by_label, default=-1) + 1)
    ]


def _spotlight(pixels: np.ndarray, *boxes: np.ndarray) -> np.ndarray:
    """Darken all but some boxes; NaN for no box."""
    dark = (pixels * DIMMED).astype(np.uint8)
    for box in boxes:
        if np.isfinite(box).all():
            x1, y1, x2, y2 = box.clip(min=0).round().astype(int)
            dark[y1:y2, x1:x2] = pixels[y1:y2, x1:x2]
    return dark
