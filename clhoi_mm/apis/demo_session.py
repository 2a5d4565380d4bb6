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

from clhoi_mm.teacher.store.lookup import ImageRecord, read_image_records
from clhoi_mm.utils.image_reader import (
    ImageTooLarge,
    UnreadableImage,
    read_image,
)
from clhoi_mm.visualization import HOILocalVisualizer
from clhoi_mm.vocabulary import HOIVocabulary

from .hoi_inferencer import HOIInferencer
from .inference import Inference

FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP')
# Maximum number of listed interactions; fewer are drawn.
MOST = 30
# Number of listed interactions if none reaches the threshold.
BELOW = 5
# Maximum scans of a JPEG; each costs a pass over the image for few bytes.
MAX_SCANS = 100


class UserInputError(ValueError):
    """Invalid input of a visitor, with a message."""


@dataclass
class Row:
    """A listed interaction.

    Attributes:
        sentence (str): Text such as 'a person rides a bicycle'.
        score (float): Score from 0 to 1.
        boxes (list): The person's box and the object's, if any, in pixels of
            the photo, xyxy.
    """

    sentence: str
    score: float
    boxes: List[List[float]]


@dataclass
class View:
    """Content of the page.

    Attributes:
        photo (np.ndarray): The image, RGB, (H, W, 3) uint8.
        picture (np.ndarray): The drawn interactions, RGB, uint8.
        rows (list[Row]): Interactions, the best first: those that reach the
            threshold or, if there are none, the best below it.
        num_above (int): Number of interactions that reach the threshold.
        prediction (dict): All interactions, as ``tools/infer.py`` writes
            them, without a path.
    """

    photo: np.ndarray
    picture: np.ndarray
    rows: List[Row]
    num_above: int
    prediction: dict


@dataclass
class _StoredImage:
    pixels: np.ndarray  # RGB
    results: Dict[tuple, Inference] = field(default_factory=dict)


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
        self, number: int, threshold: float, phrases: str = ''
    ) -> View:
        """Detect and draw the interactions of an image.

        Args:
            number (int): Result of :meth:`add_image`.
            threshold (float): Minimum score.
            phrases (str): Phrases to detect, separated by lines or commas;
                empty for the model's classes.

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
            if wanted not in image.results:
                # Only the latest phrases are cached.
                image.results = {wanted: self._detect(image.pixels, wanted)}
            result = image.results[wanted]
            hois = result.data_sample.pred_hois
            prediction = dict(result.prediction)
            del prediction['img_path']
            num_above = int((hois.scores >= threshold).sum())
            return View(
                image.pixels,
                self._draw(image.pixels, result, threshold),
                _rows(
                    hois[: min(num_above, MOST) or BELOW], result.vocabulary
                ),
                num_above,
                prediction,
            )

    @property
    def has_answers(self) -> bool:
        """Return whether the teacher answered for any example."""
        return bool(self._answers)

    def teacher_text(self, example: int) -> str:
        """Format the teacher's answer for an example; empty for none."""
        answer = self._answers.get(example)
        if answer is None:
            return ''
        lines = [f'"{answer.caption}"'] if answer.caption else []
        vocabulary = self.inferencer.classifier.vocabulary
        for found in answer.interactions or ():
            verb = vocabulary.verb_label(found.verb)
            obj = vocabulary.object_label(found.object)
            text = f'{found.verb} {found.object}'
            if min(verb, obj) >= 0:
                text = vocabulary.sentence(verb, obj)
            score = '' if found.score is None else f'  {found.score:.2f}'
            lines.append(text + score)
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
    ) -> Inference:
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
        return result

    def _draw(
        self, pixels: np.ndarray, result: Inference, threshold: float
    ) -> np.ndarray:
        self._visualizer.dataset_meta = dict(
            verbs=result.vocabulary.verb_texts,
            classes=result.vocabulary.objects,
        )
        self._visualizer.add_datasample(
            'page',
            pixels,
            result.data_sample,
            draw_gt=False,
            pred_score_thr=threshold,
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


def _rows(hois: InstanceData, vocabulary: HOIVocabulary) -> List[Row]:
    """List interactions as sentences."""
    return [
        Row(
            vocabulary.sentence(verb, obj),
            score,
            [human_box, object_box] if obj >= 0 else [human_box],
        )
        for verb, obj, score, human_box, object_box in zip(
            hois.verb_labels.tolist(),
            hois.object_labels.tolist(),
            hois.scores.tolist(),
            hois.human_bboxes.tolist(),
            hois.object_bboxes.tolist(),
        )
    ]
