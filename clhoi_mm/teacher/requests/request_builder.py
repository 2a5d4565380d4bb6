from functools import lru_cache
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .detected_objects import DetectedObjects
from .images import ImageEntry
from .messages import CAPTION, LIST, LOCATE, SCORE, Prompt, Request
from .prompt_file import PromptFile

OTHER = 'other'
STAGES = dict(describe=CAPTION, list=LIST, score=SCORE, locate=LOCATE)
# Those of RequestBuilder.
_STAGES = ('describe', 'list', 'score')


class RequestBuilder:
    """Builder of the requests of describe, list and score.

    Args:
        stage (str): 'describe', 'list' or 'score'.
        prompts (PromptFile): The templates.
        vocabulary (HOIVocabulary, optional): Names to choose from;
            'describe' alone needs none. Defaults to None.
        objects (DetectedObjects, optional): Detected objects; images without
            a person, or without an entry, get no request in 'list' and
            'score'. Defaults to None: any object may be present.
        max_tokens (int): Limit of an answer. Defaults to 512.
        max_candidates (int): Limit of an image's candidates to score, those
            of the most confident detections first. Defaults to 64.
    """

    def __init__(
        self,
        stage: str,
        prompts: PromptFile,
        vocabulary: Optional[HOIVocabulary] = None,
        objects: Optional[DetectedObjects] = None,
        max_tokens: int = 512,
        max_candidates: int = 64,
    ) -> None:
        if stage not in _STAGES:
            raise ValueError(
                f'stage {stage!r}: there are {", ".join(_STAGES)}'
            )
        if vocabulary is None and stage != 'describe':
            raise ValueError(
                f'stage "{stage}" chooses from a vocabulary; '
                f'name one with --vocab'
            )
        if objects is None and stage == 'score':
            raise ValueError(
                'stage "score" scores pairs of detected objects; '
                'give them with --objects'
            )
        self.stage = stage
        self.prompts = prompts
        self.vocabulary = vocabulary
        self.objects = objects
        self.max_tokens = max_tokens
        self.max_candidates = max_candidates
        self.template_hash = prompts.hash(stage)
        if vocabulary is not None:
            candidates = vocabulary.valid.copy()
            candidates[
                vocabulary.hoi_verbs[vocabulary.no_interaction_mask]
            ] = 0
            self._candidates = candidates
        self._prompts_for = lru_cache(maxsize=65536)(self._make_prompts)

    def build(self, images: Iterable[ImageEntry]) -> Iterator[Request]:
        """Build the images' requests, none or many each.

        Args:
            images (Iterable[ImageEntry]): The images.

        Yields:
            Request: One after the other, in the images' order.
        """
        for image in images:
            for prompt in self._prompts_for(self._labels(image.image_id)):
                yield Request(image.image_id, image.path, prompt)

    def _labels(self, image_id: str) -> Optional[Tuple[int, ...]]:
        """List an image's candidate labels; None for 'describe'.

        A person is an object only of another person.
        """
        if self.stage == 'describe':
            return None
        person = self.vocabulary.person_label
        if self.objects is None:
            return tuple(range(self.vocabulary.num_objects))
        found = self.objects.get(image_id, ())
        if person not in found:
            return ()
        alone = found.count(person) < 2
        unique = dict.fromkeys(found)
        return tuple(x for x in unique if not (alone and x == person))

    def _make_prompts(self, labels: Optional[Tuple[int, ...]]) -> List[Prompt]:
        if self.stage == 'describe':
            return [self._prompt(self.prompts.fill('describe'))]
        labels = [x for x in labels if self._candidates[:, x].any()]
        if not labels:
            return []
        if self.stage == 'list':
            return [
                self._prompt(
                    self.prompts.fill('list', choices=self._choices(labels)),
                    schema=self._schema(labels),
                )
            ]
        vocabulary = self.vocabulary
        pairs = [
            (v, o)
            for o in labels
            for v in np.flatnonzero(self._candidates[:, o])
        ]
        return [
            self._prompt(
                self.prompts.fill(
                    'score', phrase=vocabulary.phrases[vocabulary.hoi_id(v, o)]
                ),
                verb=vocabulary.verbs[v],
                object=vocabulary.objects[o],
            )
            for v, o in pairs[: self.max_candidates]
        ]

    def _prompt(self, text: str, **values: Any) -> Prompt:
        kind = STAGES[self.stage]
        return Prompt(
            kind=kind,
            text=text,
            template_hash=self.template_hash,
            max_tokens=1 if kind == SCORE else self.max_tokens,
            **values,
        )

    def _verbs(self, label: int) -> List[str]:
        verbs = self.vocabulary.verbs
        return [verbs[v] for v in np.flatnonzero(self._candidates[:, label])]

    def _choices(self, labels: List[int]) -> str:
        return '\n'.join(
            f'- {self.vocabulary.objects[x]}: {", ".join(self._verbs(x))}'
            for x in labels
        )

    def _schema(self, labels: List[int]) -> Dict[str, Any]:
        """Build the schema that allows each object its verbs."""
        items = [
            closed_object(
                object=dict(type='string', enum=[self.vocabulary.objects[x]]),
                verb=dict(type='string', enum=[*self._verbs(x), OTHER]),
                other_verb=dict(type='string'),
            )
            for x in labels
        ]
        return closed_object(
            interactions=dict(type='array', items=dict(anyOf=items))
        )


def closed_object(**properties: Dict[str, Any]) -> Dict[str, Any]:
    """Build the JSON schema of an object with these fields alone."""
    return dict(
        type='object',
        properties=properties,
        required=list(properties),
        additionalProperties=False,
    )
