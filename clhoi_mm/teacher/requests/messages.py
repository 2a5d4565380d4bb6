"""What is asked of a VLLM and what comes back."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

# What a question may ask for, as raw records call it.
CAPTION, LIST, SCORE = 'caption', 'list', 'score'
KINDS = (CAPTION, LIST, SCORE)


@dataclass(frozen=True)
class Prompt:
    """What is asked, whatever the image: questions share prompts.

    Attributes:
        kind (str): 'caption', 'list' or 'score'.
        text (str): What the VLLM reads beside the image.
        template_hash (str): Of the template that the text was made from.
        max_tokens (int): Limit of the answer.
        schema (dict, optional): JSON schema that the answer must follow.
        verb (str, optional): The candidate's verb; of 'score' alone.
        object (str, optional): The candidate's object; of 'score' alone.
    """

    kind: str
    text: str
    template_hash: str
    max_tokens: int
    schema: Optional[Dict[str, Any]] = None
    verb: Optional[str] = None
    object: Optional[str] = None

    @cached_property
    def digest(self) -> str:
        """str: Names what the model is asked, whatever the image."""
        content = [self.kind, self.text, self.schema, self.verb, self.object]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Request:
    """One prompt about one image.

    Attributes:
        image_id (str): The image's key.
        image_path (Path): Its file.
        prompt (Prompt): What is asked.
    """

    image_id: str
    image_path: Path
    prompt: Prompt

    @property
    def kind(self) -> str:
        """str: 'caption', 'list' or 'score'."""
        return self.prompt.kind


@dataclass(frozen=True)
class Response:
    """An answer as it came.

    Attributes:
        text (str): What the model wrote.
        finish (str): 'stop', or 'length' where the limit cut it off.
        tokens_in (int): Tokens read, 0 where the backend cannot tell.
        tokens_out (int): Tokens written, 0 where the backend cannot tell.
        score (float, optional): Probability of yes in [0, 1]; of 'score'
            alone.
        more (Tuple[str, ...]): Further answers to the same question, each
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
    """Why there is no answer; the next run asks again.

    Attributes:
        reason (str): A short name that failures are counted by.
        message (str): What happened.
        about_image (bool): Whether it says nothing about the model, and the
            next image may well be answered. Defaults to False.
    """

    reason: str
    message: str
    about_image: bool = False
