import json
import random
from functools import lru_cache
from typing import List, Optional, Sequence, Union

import numpy as np

from clhoi_mm.utils.boxes import pairwise_ious

from ...vocabulary import HOIVocabulary
from ..requests.box_convention import CONVENTIONS
from ..requests.locate_scene import LocateScene
from ..requests.messages import (
    CAPTION,
    LIST,
    LOCATE,
    Failure,
    Request,
    Response,
)
from ..simulation.image_labels import read_image_labels
from ..simulation.simulated import SimulatedTeacher
from ..simulation.simulated_pointing import SimulatedPointing
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
        pointing_accuracy (float): See :class:`SimulatedPointing`. Defaults
            to 0.7.
        coordinates (str): Convention of its boxes. Defaults to 'pixels'.
    """

    def __init__(
        self,
        ann_file: str,
        vocabulary: Union[str, HOIVocabulary],
        preset: str = 'typical',
        seed: int = 0,
        teacher: int = 0,
        shared_errors: Optional[float] = None,
        pointing_accuracy: float = 0.7,
        coordinates: str = 'pixels',
    ) -> None:
        vocabulary = HOIVocabulary.load(vocabulary)
        self.source = str(ann_file)
        images = read_image_labels(ann_file, vocabulary)
        self._teacher = SimulatedTeacher(
            images, vocabulary, preset, seed, teacher, shared_errors
        )
        self.keys = self._images = {image.key: image for image in images}
        self._pointing = SimulatedPointing(
            ann_file, vocabulary, pointing_accuracy, seed, teacher
        )
        self.coordinates = coordinates
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
        if request.kind == LOCATE:
            return Response(self._locate(request))
        vocabulary, prompt = self._vocabulary, request.prompt
        hoi = vocabulary.hoi_id(
            vocabulary.verb_label(prompt.verb),
            vocabulary.object_label(prompt.object),
        )
        score = self._scores(request.image_id).get(hoi)
        if score is None:
            score = _LOWEST * self._chance(request.image_id, hoi)
        return Response('yes' if score >= 0.5 else 'no', score=round(score, 4))

    def _locate(self, request: Request) -> str:
        """Write the boxes or the marks of pairs."""
        scene, vocabulary = request.prompt.scene, self._vocabulary
        items = []
        for verb, obj in scene.labels:
            hoi = vocabulary.hoi_id(
                vocabulary.verb_label(verb), vocabulary.object_label(obj)
            )
            for pair in self._pointing.point(request.image_id, hoi):
                item = dict(verb=verb, object=obj)
                for part, name, box in (
                    ('person', scene.person, pair[:4]),
                    ('object', obj, pair[4:]),
                ):
                    if scene.style == 'marks':
                        item[f'{part}_mark'] = _nearest_mark(box, name, scene)
                    else:
                        item[f'{part}_box'] = self._write_box(box, scene)
                items.append(item)
        return json.dumps(dict(interactions=items))

    def _write_box(
        self, box: Sequence[float], scene: LocateScene
    ) -> List[float]:
        convention = CONVENTIONS[self.coordinates]
        numbers = convention.encode(box, scene.size, scene.sent_size)
        return numbers.round(3 if convention.extent == 1 else 0).tolist()

    def _chance(self, image_id: str, hoi: int) -> float:
        text = f'{self.model} {hoi} {image_id}'
        return random.Random(text).random()


def _nearest_mark(box: Sequence[float], name: str, scene: LocateScene) -> int:
    """Find the mark whose box is most like another, 0 without one."""
    marks = scene.marks_of(name)
    if not marks:
        return 0
    boxes = np.array(scene.boxes)[np.array(marks) - 1]
    return marks[int(pairwise_ious(np.array([box]), boxes)[0].argmax())]
