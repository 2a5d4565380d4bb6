import random
from functools import lru_cache
from typing import Optional, Union

from ...vocabulary import HOIVocabulary
from ..requests.messages import CAPTION, LIST, Failure, Request, Response
from ..simulation.image_labels import read_image_labels
from ..simulation.simulated import SimulatedTeacher
from .base import Backend, Outcome
from .registry import BACKENDS

# Lowest score of a drawn class, sigmoid(-0.5).
_LOWEST = 0.3775


@BACKENDS.register_module('simulated')
class SimulatedBackend(Backend):
    """Simulated VLLM with known noise, from an annotation file.

    It reads no pixels. Captions, lists and scores of an image are from one
    draw, so that the three agree. A candidate that was not drawn gets a
    random score below all that were.

    Args:
        ann_file (str): Annotation file in the project's format.
        vocabulary (str | HOIVocabulary): Its vocabulary.
        preset (str): 'weak', 'typical', 'strong', 'perfect' or 'measured'.
            Defaults to 'typical'.
        seed (int): Seed of all teachers. Defaults to 0.
        teacher (int): Number of the teacher, from 0. Defaults to 0.
        shared_errors (float, optional): Share of the random draws that all
            teachers of the seed have in common. Defaults to None: as
            measured for the preset 'measured', else 0.
    """

    def __init__(
        self,
        ann_file: str,
        vocabulary: Union[str, HOIVocabulary],
        preset: str = 'typical',
        seed: int = 0,
        teacher: int = 0,
        shared_errors: Optional[float] = None,
    ) -> None:
        vocabulary = HOIVocabulary.load(vocabulary)
        self.source = str(ann_file)
        images = read_image_labels(ann_file, vocabulary)
        self._teacher = SimulatedTeacher(
            images, vocabulary, preset, seed, teacher, shared_errors
        )
        self.keys = self._images = {image.key: image for image in images}
        self._vocabulary = vocabulary
        self.model = f'{self._teacher.model}-{seed}'
        # Candidates of one image come one after the other.
        self._scores = lru_cache(maxsize=16)(
            lambda key: self._teacher.scores(self._images[key])
        )

    def respond(self, request: Request) -> Outcome:
        """See :meth:`Backend.respond`."""
        image = self._images.get(request.image_id)
        if image is None:
            return Failure(
                'unknown_image',
                f'"{request.image_id}" is not among the keys of the '
                f'annotation file',
                about_image=True,
            )
        if request.kind in (CAPTION, LIST):
            answer = self._teacher.answer(image)
            return Response(
                answer.caption if request.kind == CAPTION else answer.answer
            )
        vocabulary, prompt = self._vocabulary, request.prompt
        hoi = vocabulary.hoi_id(
            vocabulary.verb_label(prompt.verb),
            vocabulary.object_label(prompt.object),
        )
        score = self._scores(request.image_id).get(hoi)
        if score is None:
            score = _LOWEST * self._chance(request.image_id, hoi)
        return Response('yes' if score >= 0.5 else 'no', score=round(score, 4))

    def _chance(self, image_id: str, hoi: int) -> float:
        text = f'{self.model} {hoi} {image_id}'
        return random.Random(text).random()
