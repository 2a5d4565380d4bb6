import os
from pathlib import Path
from typing import Collection, Dict, List, Optional, Sequence, Union

from ..parsing.answer_check import AnswerCheck
from ..requests.messages import CAPTION, Failure, Request, Response
from ..store.raw_store import RAW, read_records
from .base import Backend, Outcome
from .caption_file import CaptionFile, read_caption_files
from .registry import BACKENDS

# Models named in a message.
_NAMED = 20


@BACKENDS.register_module('captions')
class CaptionsBackend(Backend):
    """Existing captions in place of a VLLM's.

    An image's captions are answers of their own, none of them joined to
    another. Records without captions are skipped and noted.

    Args:
        captions (str | PathLike | Sequence[str | PathLike]): A file or
            several, see :func:`read_caption_files`.
        model (str, optional): Author of the captions. Where records have a
            field "model", only those of this one are used. Defaults to None:
            all captions, as those of one teacher.
        number (int, optional): Use only the caption of this number of each
            image, from 1, as a teacher of its own. Defaults to None: all.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No file is given, or there is no such caption in it.
    """

    kinds = (CAPTION,)

    def __init__(
        self,
        captions: Optional[
            Union[str, os.PathLike, Sequence[Union[str, os.PathLike]]]
        ] = None,
        model: Optional[str] = None,
        number: Optional[int] = None,
    ) -> None:
        if not captions:
            raise ValueError(
                'backend "captions": name the file that holds them with '
                '--captions'
            )
        file = read_caption_files(captions)
        self.model = model or 'captions'
        single = isinstance(captions, (str, os.PathLike))
        self.source = ', '.join(map(str, [captions] if single else captions))
        self.notes: List[str] = file.notes
        if model is None and (
            len(file.by_model) > 1 or (file.by_model and file.has_unnamed)
        ):
            unnamed = ' and of no named one' * file.has_unnamed
            self.notes.append(
                f'{self.source}: the captions of {len(file.by_model)} models'
                f'{unnamed} are taken as those of one teacher; --model takes '
                f'one of {_some(file.by_model)}'
            )
        self._captions = _of_model(file, model, self.source)
        if number is not None:
            self.model = f'{self.model}, caption {number}'
            self._captions = _numbered(self._captions, number, self.source)
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


def _of_model(
    file: CaptionFile, model: Optional[str], source: str
) -> Dict[str, List[str]]:
    if model is None or not file.by_model:
        return file.captions
    if model not in file.by_model:
        raise ValueError(
            f'{source}: no record has the field "model" "{model}"; it names '
            f'{_some(file.by_model)}'
        )
    return file.by_model[model]


def _numbered(
    captions: Dict[str, List[str]], number: int, source: str
) -> Dict[str, List[str]]:
    """Keep the caption of one number, from 1, of each image."""
    if not isinstance(number, int) or number < 1:
        raise ValueError(
            f'backend "captions": "number" must be 1 or more, got {number!r}'
        )
    found = {
        image: texts[number - 1 : number]
        for image, texts in captions.items()
        if len(texts) >= number
    }
    if not found:
        raise ValueError(
            f'{source}: no image has {number} captions; the most are '
            f'{max(map(len, captions.values()))}'
        )
    return found


def _some(names: Collection[str]) -> str:
    """List the first names."""
    shown = ', '.join(f'"{name}"' for name in sorted(names)[:_NAMED])
    more = len(names) - _NAMED
    return shown + (f' and {more} more' if more > 0 else '')


def _valid_captions(texts: List[str]) -> List[str]:
    """Keep the texts that are answers; all where none is."""
    return [x for x in texts if not AnswerCheck(CAPTION, x).problem] or texts
