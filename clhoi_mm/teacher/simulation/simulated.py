import json
from typing import Dict, Iterator, Optional, Sequence, Union

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from ..store.raw_answers import RawAnswer
from .caption_writer import CaptionWriter
from .confusion_label_noise import ConfusionLabelNoise
from .image_labels import ImageLabels
from .latent_label_noise import LatentLabelNoise
from .presets import TeacherPreset, get_preset
from .teacher_random import TeacherRandom


class SimulatedTeacher:
    """Simulated VLLM with known image-level noise.

    Labels are drawn by :class:`ConfusionLabelNoise`, or by
    :class:`LatentLabelNoise` for a preset with measured errors, whose scores
    are 1 as those of captions. Several teachers of one seed are numbered.

    Args:
        images (Sequence[ImageLabels]): The data set at image level.
        vocabulary (HOIVocabulary): Its classes.
        preset (str | TeacherPreset): The noise. Defaults to 'typical'.
        seed (int): Seed of all teachers. Defaults to 0.
        teacher (int): Number of the teacher, from 0. Defaults to 0.
        shared_errors (float, optional): Share in [0, 1] of the random draws
            that all teachers of the seed have in common. Defaults to None:
            as measured for a preset with measured errors, else 0.
    """

    def __init__(
        self,
        images: Sequence[ImageLabels],
        vocabulary: HOIVocabulary,
        preset: Union[str, TeacherPreset] = 'typical',
        seed: int = 0,
        teacher: int = 0,
        shared_errors: Optional[float] = None,
    ) -> None:
        self.images = images
        self.vocabulary = vocabulary
        self.model = 'simulated'
        if isinstance(preset, str):
            self.model, preset = f'simulated-{preset}', get_preset(preset)
        self.preset: TeacherPreset = preset
        if teacher:
            self.model += f'-{teacher}'
        self._random = TeacherRandom(seed, teacher, shared_errors or 0.0)
        self.writer = CaptionWriter(vocabulary)
        self.scenes = sorted({x.scene for x in images if x.scene is not None})
        self._noise: Union[ConfusionLabelNoise, _DrawnLabels]
        if preset.errors is None:
            self._noise = ConfusionLabelNoise(
                images,
                vocabulary,
                preset.precision,
                preset.recall,
                self._random,
            )
        else:
            noise = LatentLabelNoise(preset, seed, teacher, shared_errors)
            self._noise = _DrawnLabels(images, *noise.draw(images, vocabulary))
        self._set_scene_threshold()

    def __iter__(self) -> Iterator[RawAnswer]:
        """Yield the images' answers."""
        return (self.answer(image) for image in self.images)

    def answer(self, image: ImageLabels) -> RawAnswer:
        """Generate the answer for one image.

        Args:
            image (ImageLabels): An image of the data set.

        Returns:
            RawAnswer: Caption and structured answer.
        """
        scores = self.scores(image)
        order = sorted(scores, key=lambda hoi: (-scores[hoi], hoi))
        rng = self._random.own('words', image.key)
        caption = self.writer.write(order, self._see_scene(image), rng)
        vocabulary = self.vocabulary
        text = json.dumps(
            [
                dict(
                    verb=vocabulary.verbs[vocabulary.hoi_verbs[hoi]],
                    object=vocabulary.objects[vocabulary.hoi_objects[hoi]],
                    score=scores[hoi],
                )
                for hoi in order
            ]
        )
        if rng.random() < self.preset.malformed:
            text = _break(text, rng)
        return RawAnswer(image.key, self.model, caption, text)

    def scores(self, image: ImageLabels) -> Dict[int, float]:
        """Draw the HOI classes of an image, with scores.

        Args:
            image (ImageLabels): An image of the data set.

        Returns:
            Dict[int, float]: Score in (0, 1] of each class mentioned.
        """
        return self._noise.scores(image)

    def _set_scene_threshold(self) -> None:
        draws = [
            self._random.own('scene', image.key).random()
            for image in self.images
            if image.scene is not None
        ]
        self._scene_threshold = (
            np.quantile(draws, self.preset.scene_accuracy) if draws else 1.0
        )

    def _see_scene(self, image: ImageLabels) -> Optional[str]:
        if image.scene is None or len(self.scenes) < 2:
            return image.scene
        right, regular, which = self._random.own('scene', image.key).random(3)
        if right <= self._scene_threshold:
            return image.scene
        others = [scene for scene in self.scenes if scene != image.scene]
        if regular < 0.5:
            which = self._random.own('scene confusion', image.scene).random()
        return others[int(which * len(others))]


class _DrawnLabels:
    """Labels of all images, looked up by key, with the score 1."""

    def __init__(
        self, images: Sequence[ImageLabels], rows: np.ndarray, hois: np.ndarray
    ) -> None:
        ends = np.searchsorted(rows, np.arange(1, len(images)))
        self._hois = {
            image.key: each
            for image, each in zip(images, np.split(hois, ends))
        }

    def scores(self, image: ImageLabels) -> Dict[int, float]:
        return dict.fromkeys(self._hois[image.key].tolist(), 1.0)


def _break(text: str, rng: np.random.Generator) -> str:
    """Spoil a structured answer as VLLMs do."""
    draw = rng.random()
    if draw < 0.5:  # cut off at the length limit
        return text[: 1 + int(rng.random() * (len(text) - 1))]
    if draw < 0.75:  # Python's quotes
        return text.replace('"', "'")
    return 'I cannot tell for certain what the people in this image do.'
