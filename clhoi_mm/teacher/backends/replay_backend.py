import json
import os
from dataclasses import replace
from pathlib import Path
from typing import (
    Any,
    Dict,
    List,
    NamedTuple,
    Tuple,
    Union,
)

from ..parsing.answer_check import AnswerCheck
from ..parsing.answer_json import find_json
from ..requests.messages import (
    CAPTION,
    KINDS,
    LIST,
    Failure,
    Request,
    Response,
)
from ..store.raw_record import RawRecord, read_line
from ..store.raw_store import read_records
from .base import Backend, Outcome
from .registry import BACKENDS

_Key = Tuple[str, str, object, object]


class _Recorded(NamedTuple):
    response: Response
    line: int


@BACKENDS.register_module('replay')
class ReplayBackend(Backend):
    """Replay of raw answers on disk.

    In a pass's folder the latest answer to a request counts. In a file an
    image may have several captions, or several lists: they are joined. Two
    different scores of one candidate are an error. Lines that are no record
    are skipped and noted.

    Args:
        raw (str | PathLike): A pass's folder, or a JSONL file of records
            ``{image_id, kind, text}`` or of whole answers as
            ``tools/teacher/simulate.py`` writes it (raw.jsonl).
        model (str): Name of the model. Defaults to 'replay'.

    Raises:
        FileNotFoundError: There are no raw answers.
        ValueError: No line of the file is a record, or records of one image
            contradict each other; the message names the lines.
    """

    def __init__(
        self, raw: Union[str, os.PathLike], model: str = 'replay'
    ) -> None:
        self.model = model
        self.source = str(raw)
        self.notes: List[str] = []
        self._responses: Dict[_Key, Response] = {}
        if Path(raw).is_dir():
            self._read_folder(raw)
        else:
            self._read_file(Path(raw))
        if not self._responses:
            raise FileNotFoundError(f'{raw}: no raw answers to replay')
        self.keys = {key[0] for key in self._responses}

    def respond(self, request: Request) -> Outcome:
        """See :meth:`Backend.respond`."""
        prompt = request.prompt
        key = (request.image_id, prompt.kind, prompt.verb, prompt.object)
        return self._responses.get(key) or Failure(
            'not_recorded',
            f'no answer of kind "{prompt.kind}" for "{request.image_id}"',
            about_image=True,
        )

    def _read_file(self, path: Path) -> None:
        found: Dict[_Key, List[_Recorded]] = {}
        rejected: List[str] = []
        with open(path, 'rb') as file:
            for number, line in enumerate(file, 1):
                try:
                    records = read_line(line) if line.strip() else []
                except ValueError as error:
                    rejected.append(f'{path}, line {number}: {error}')
                    continue
                for row in records:
                    response = Response(row.text, score=row.score)
                    recorded = _Recorded(response, number)
                    found.setdefault(_key_of(row), []).append(recorded)
        if rejected and not found:
            raise ValueError(rejected[0])
        if rejected:
            self.notes.append(
                f'{len(rejected)} lines are no raw records and were skipped, '
                f'for one {rejected[0]}'
            )
        joined = 0
        for key, answers in found.items():
            self._responses[key] = _join(path, key, answers)
            joined += len({x.response.text for x in answers}) > 1
        if joined:
            self.notes.append(
                f'{path}: several answers of one kind about one image were '
                f'joined, {joined} times'
            )

    def _read_folder(self, folder: Union[str, os.PathLike]) -> None:
        latest: Dict[Tuple[_Key, int], float] = {}
        more: Dict[_Key, Dict[int, str]] = {}
        for kind in KINDS:
            for row in read_records(folder, kind):
                part = row.get('part', 0)
                key = (
                    row['image_id'],
                    kind,
                    row.get('verb'),
                    row.get('object'),
                )
                if row['time'] < latest.get((key, part), row['time']):
                    continue
                latest[key, part] = row['time']
                if part:
                    more.setdefault(key, {})[part] = row['text']
                    continue
                self._responses[key] = Response(
                    row['text'],
                    row['finish'],
                    row['tokens_in'],
                    row['tokens_out'],
                    row.get('score'),
                )
        for key, texts in more.items():
            if key in self._responses:
                self._responses[key] = replace(
                    self._responses[key],
                    more=tuple(texts[part] for part in sorted(texts)),
                )


def _key_of(row: RawRecord) -> _Key:
    return str(row.image_id), row.kind, row.verb or None, row.object or None


def _join(path: Path, key: _Key, answers: List[_Recorded]) -> Response:
    """Join different answers; refusals count only where alone."""
    kind = key[1]
    given = [
        x for x in answers if not AnswerCheck(kind, x.response.text).problem
    ] or answers[-1:]
    different = {(x.response.text, x.response.score): x for x in given}
    if len(different) == 1:
        return given[0].response
    first, second = list(different.values())[:2]
    texts = [x.response.text for x in different.values()]
    if kind == CAPTION:
        return Response('\n'.join(texts))
    lists = [find_json(text, repair=False) for text in texts]
    contents = [part.content for parts in lists for part in parts]
    if kind == LIST and all(lists) and None not in contents:
        items: List[Any] = []
        for content in contents:
            items += content if isinstance(content, list) else [content]
        return Response(json.dumps(items))
    what = 'scores' if kind != LIST else 'lists that are no JSON'
    raise ValueError(
        f'{path}, lines {first.line} and {second.line}: image "{key[0]}" has '
        f'two {what}, which cannot be joined; keep one of them'
    )
