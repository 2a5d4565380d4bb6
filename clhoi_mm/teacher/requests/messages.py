"""Requests to a VLLM and their responses."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from .locate_scene import LocateScene

# Kinds of requests in raw records.
CAPTION, LIST, SCORE, LOCATE = 'caption', 'list', 'score', 'locate'
KINDS = (CAPTION, LIST, SCORE, LOCATE)


@dataclass(frozen=True)
class Prompt:
    """Prompt, which the requests of many images share.

    Attributes:
        kind (str): One of :data:`KINDS`.
        text (str): Text beside the image.
        template_hash (str): Hash of the template of the text.
        max_tokens (int): Limit of the answer.
        schema (dict, optional): JSON schema that the answer must follow.
        verb (str, optional): The candidate's verb, for 'score' alone.
        object (str, optional): The candidate's object, for 'score' alone.
        scene (LocateScene, optional): Detections and labels, for 'locate'
            alone.
    """

    kind: str
    text: str
    template_hash: str
    max_tokens: int
    schema: Optional[Dict[str, Any]] = None
    verb: Optional[str] = None
    object: Optional[str] = None
    scene: Optional[LocateScene] = None

    @cached_property
    def digest(self) -> str:
        """str: Hash of the prompt."""
        content: list = [
            self.kind,
            self.text,
            self.schema,
            self.verb,
            self.object,
        ]
        if self.scene is not None:
            content.append(self.scene.content)
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Request:
    """Prompt about one image.

    Attributes:
        image_id (str): The image's key.
        image_path (Path): Its file.
        prompt (Prompt): The prompt.
    """

    image_id: str
    image_path: Path
    prompt: Prompt

    @property
    def kind(self) -> str:
        """str: One of :data:`KINDS`."""
        return self.prompt.kind


@dataclass(frozen=True)
class Response:
    """Answer as it came.

    Attributes:
        text (str): The model's output.
        finish (str): 'stop', or 'length' where the limit cut it off.
        tokens_in (int): Tokens read, 0 where unknown.
        tokens_out (int): Tokens written, 0 where unknown.
        score (float, optional): Probability of yes in [0, 1], for
            'score' alone.
        more (Tuple[str, ...]): Further answers to the same request, each
            to be kept by itself.
    """

    text: str
    finish: str = 'stop'
    tokens_in: int = 0
    tokens_out: int = 0
    score: Optional[float] = None
    more: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Reason why there is no answer; the next run retries.

    Attributes:
        reason (str): A short name that failures are counted by.
        message (str): Details.
        about_image (bool): Whether the image is the cause, so that the next
            one may be answered. Defaults to False.
    """

    reason: str
    message: str
    about_image: bool = False
