import os
from pathlib import Path
from typing import Dict, List, Optional, Union

from ..parsing.answer_check import AnswerCheck
from ..requests.messages import CAPTION, Failure, Request, Response
from ..store.raw_store import RAW, read_records
from .base import Backend, Outcome
from .caption_file import read_caption_file
from .registry import BACKENDS


@BACKENDS.register_module('captions')
class CaptionsBackend(Backend):
    """Existing captions in place of a VLLM's.

    An image's captions are answers of their own, none of them joined to
    another. Records without captions are skipped and noted.

    Args:
        captions (str | PathLike): See :func:`read_caption_file`.
        model (str): Name of the captions' source. Defaults to 'captions'.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No file is given, or there is no caption in it.
    """

    kinds = (CAPTION,)

    def __init__(
        self,
        captions: Optional[Union[str, os.PathLike]] = None,
        model: str = 'captions',
    ) -> None:
        if captions is None:
            raise ValueError(
                'backend "captions": name the file that holds them with '
                '--captions'
            )
        file = read_caption_file(captions)
        self.model = model
        self.source = str(captions)
        self.notes: List[str] = file.notes
        self._captions = file.captions
        self.keys = self._captions.keys()

    def note_outdated(self, folder: Union[str, os.PathLike]) -> List[str]:
        """See :meth:`Backend.note_outdated`."""
        parts: Dict[str, List[str]] = {}
        kept: Dict[str, List[str]] = {}
        for row in read_records(folder, CAPTION):
            if (
                row.get('part') == 1
            ):  # an unfinished answer of a killed run is void
                parts.pop(row['image_id'], None)
            texts = parts.setdefault(row['image_id'], [])
            texts.append(row['text'])
            if not row.get('part'):  # the last of an answer
                kept[row['image_id']] = parts.pop(row['image_id'])
        outdated = [
            image_id
            for image_id, texts in kept.items()
            if image_id in self._captions
            and set(texts) != set(_valid_captions(self._captions[image_id]))
        ]
        if not outdated:
            return []
        return [
            f'{self.source}: the captions of {len(outdated)} images differ '
            f'from those that {folder} keeps, for one "{outdated[0]}"; the '
            f'kept ones are used. Give another --out, or delete '
            f'{Path(folder, RAW)} to read all again'
        ]

    def respond(self, request: Request) -> Outcome:
        """See :meth:`Backend.respond`."""
        image_id = request.image_id
        texts = self._captions.get(image_id)
        if not texts:
            return Failure(
                'no_caption',
                f'{self.source}: no caption of "{image_id}"',
                about_image=True,
            )
        first, *more = _valid_captions(texts)
        return Response(first, more=tuple(more))


def _valid_captions(texts: List[str]) -> List[str]:
    """Keep the texts that are answers; all where none is."""
    return [x for x in texts if not AnswerCheck(CAPTION, x).problem] or texts
