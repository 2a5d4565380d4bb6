"""Records of raw answers."""

import json
import math
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from clhoi_mm.utils.keys import normalize_key

from ..requests.locate_scene import LocateScene
from ..requests.messages import CAPTION, KINDS, LIST, LOCATE, SCORE


class RawRecord(NamedTuple):
    """Answer to one request.

    Attributes:
        image_id (str | int): The image's key.
        kind (str): One of :data:`KINDS`.
        text (str): The answer.
        verb (str): The candidate's verb, for 'score' alone.
        object (str): The candidate's object, for 'score' alone.
        score (float, optional): Probability of yes, for 'score' alone.
        objects (Tuple[str, ...], optional): Detected objects, where the
            record has them.
        scene (LocateScene, optional): What was asked, for 'locate' alone.
    """

    image_id: Union[str, int]
    kind: str
    text: str
    verb: str = ''
    object: str = ''
    score: Optional[float] = None
    objects: Optional[Tuple[str, ...]] = None
    scene: Optional[LocateScene] = None


def read_line(line: bytes) -> List[RawRecord]:
    """Read one line.

    Args:
        line (bytes): ``{"image_id", "kind", "text", ...}``, or what
            ``tools/teacher/simulate.py`` writes: ``{"key", "caption",
            "answer"}``, which is two records.

    Returns:
        List[RawRecord]: One or two.

    Raises:
        ValueError: The line is no such record; the message states the
            reason.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'no JSON ({error})') from error
    if not isinstance(row, dict):
        raise ValueError('a JSON object is expected')
    if 'key' in row and 'image_id' not in row:
        image_id = _image_id(row['key'], 'key')
        return [
            RawRecord(image_id, kind, _text(row, name))
            for name, kind in (('caption', CAPTION), ('answer', LIST))
        ]
    image_id = _image_id(row.get('image_id'), 'image_id')
    kind = row.get('kind')
    if kind not in KINDS:
        raise ValueError(
            f'field "kind" must be one of {", ".join(KINDS)}, got {kind!r}'
        )
    record = RawRecord(
        image_id, kind, _text(row, 'text'), objects=_objects(row)
    )
    if kind == LOCATE:
        scene = LocateScene.from_dict(row.get('scene'))
        return [record._replace(scene=scene)]
    if kind != SCORE:
        return [record]
    return [
        record._replace(
            verb=_text(row, 'verb'),
            object=_text(row, 'object'),
            score=_score(row),
        )
    ]


def _image_id(value: Any, field: str) -> Union[str, int]:
    value = normalize_key(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, (str, int))
        or (value == '')
    ):
        raise ValueError(f'field "{field}" must name an image, got {value!r}')
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f'field "{field}" is no valid unicode: {value!r}'
            ) from error
    return value


def _text(row: Dict[str, Any], field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        raise ValueError(f'field "{field}" must be a string, got {value!r}')
    return value


def _objects(row: Dict[str, Any]) -> Optional[Tuple[str, ...]]:
    value = row.get('objects')
    if value is None:
        return None
    if not isinstance(value, list) or not all(
        isinstance(name, str) for name in value
    ):
        raise ValueError(
            f'field "objects" must be a list of names, got {value!r}'
        )
    return tuple(value)


def _score(row: Dict[str, Any]) -> float:
    """Read the probability of yes, else the word itself."""
    value = row.get('score')
    if value is None:
        first, *_ = row['text'].strip().lower().split() or ['']
        word = first.strip('.,!"\'*')
        if word not in ('yes', 'no'):
            raise ValueError(
                'field "score" is missing and the answer '
                f'{row["text"][:40]!r} is neither yes nor no'
            )
        return float(word == 'yes')
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or math.isnan(value)
        or not 0 <= value <= 1
    ):
        raise ValueError(f'field "score" must lie in [0, 1], got {value!r}')
    return float(value)
