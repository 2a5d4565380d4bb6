import json
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

from clhoi_mm.utils.parquet import open_parquet

from ..parsing.parse_answer import parse_answer
from ..requests.messages import CAPTION, LIST
from .pseudo_labels import Interaction, PseudoLabels
from .raw_answers import RawAnswer

_AGAIN = 'run the stage parse again, which makes it from the raw answers'


def read_pseudo_labels(
    answers: Union[str, os.PathLike], parsed: Union[str, os.PathLike]
) -> Iterator[PseudoLabels]:
    """Bring captions and parsed interactions together, image by image.

    Args:
        answers (str | PathLike): ``answers.jsonl``, sorted by image.
        parsed (str | PathLike): The parsed layer, .jsonl or .parquet.

    Yields:
        PseudoLabels: One for each image that has an answer.

    Raises:
        FileNotFoundError: One of the files is missing.
        ValueError: A line cannot be read, the parsed layer is not sorted by
            image, or it has none of the images.
    """
    interactions = _InOrder(Path(parsed))
    missing: List[str] = []
    count = 0
    rows = _read_lines(Path(answers), ('image_id', 'kind', 'text'))
    for key, group in groupby(rows, key=lambda row: row['image_id']):
        rows_of = list(group)
        captions = [x['text'] for x in rows_of if x['kind'] == CAPTION]
        lists = [x['text'] for x in rows_of if x['kind'] == LIST]
        words = _join(
            [
                parse_answer(RawAnswer(key, '', text, (lists or ['[]'])[-1]))
                for text in captions or ['']
            ]
        )
        words.interactions = interactions.get(key)
        count += 1
        if interactions.key != key:
            missing.append(key)
        yield words
    interactions.finish()
    if missing:
        _tell_missing(missing, count, parsed)


def _join(captions: List[PseudoLabels]) -> PseudoLabels:
    """An image's words, of one caption or of several."""
    first = captions[0]
    first.caption = '\n'.join(x.caption for x in captions)
    first.sentences = [text for x in captions for text in x.sentences]
    return first


def _tell_missing(
    missing: List[str], count: int, parsed: Union[str, os.PathLike]
) -> None:
    """Images without a row have no interaction, which is a false negative."""
    text = (
        f'{parsed}: {len(missing)} of {count} images that have an answer '
        f'have no row, for one "{missing[0]}"; {_AGAIN}'
    )
    if len(missing) == count:
        raise ValueError(text)
    print(text, file=sys.stderr)


def read_parsed(path: Union[str, os.PathLike]) -> Iterator[Dict[str, Any]]:
    """The parsed layer's records, in the file's order.

    Args:
        path (str | PathLike): A .jsonl or .parquet file.

    Yields:
        dict: ``image_id`` and ``interactions``, each ``{verb, object, score,
        in_vocabulary, source}``.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: pyarrow, which reads Parquet, is not installed.
        ValueError: The file is damaged; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no parsed answers; run the stage parse first'
        )
    if path.suffix == '.parquet':
        yield from _read_parquet(path)
    else:
        yield from _read_lines(path, ('image_id', 'interactions'))


def _read_parquet(path: Path) -> Iterator[Dict[str, Any]]:
    names = ['image_id', 'interactions']
    try:
        with open_parquet(path, names, '.jsonl, by parsing again') as file:
            for batch in file.iter_batches(1024):
                yield from batch.select(names).to_pylist()
    except (KeyError, ValueError) as error:
        raise ValueError(f'{path}: damaged ({error}); {_AGAIN}') from error


def _read_lines(
    path: Path, fields: Tuple[str, ...]
) -> Iterator[Dict[str, Any]]:
    with open(path, 'rb') as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                for name in fields:
                    row[name]
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f'{path}, line {number}: damaged ({error!r}); {_AGAIN}'
                ) from error
            yield row


class _InOrder:
    """Looks rows of the parsed layer up, read once from start to end.

    Attributes:
        key (str, optional): The row that was read last, None at the end.
    """

    def __init__(self, path: Path) -> None:
        self._rows = _sorted_rows(path)
        self.key, self._found = next(self._rows)

    def get(self, key: str) -> List[Interaction]:
        """Interactions of an image; none where it has no row.

        Args:
            key (str): Its key, behind the one that was asked for last.
        """
        while self.key is not None and self.key < key:
            self.key, self._found = next(self._rows)
        return self._found if self.key == key else []

    def finish(self) -> None:
        """Read what is left, so that its order is checked as well."""
        while self.key is not None:
            self.key, self._found = next(self._rows)


def _sorted_rows(
    path: Path,
) -> Iterator[Tuple[Optional[str], List[Interaction]]]:
    """Keys and interactions; at the end None."""
    last = ''
    for row in read_parsed(path):
        key = str(row['image_id'])
        if key <= last:
            raise ValueError(
                f'{path}: image "{key}" stands behind "{last}", but images '
                f'must be sorted, each once; {_AGAIN}'
            )
        last = key
        yield (
            key,
            [
                (item['verb'], item['object'], item['score'])
                for item in row['interactions']
            ],
        )
    yield None, []
