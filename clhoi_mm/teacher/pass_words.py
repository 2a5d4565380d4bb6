import json
import os
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

from .exchange import CAPTION, LIST
from .parsing import parse_answer
from .raw_answers import RawAnswer
from .words import Interaction, TeacherWords


def read_words(answers: Union[str, os.PathLike],
               parsed: Union[str, os.PathLike]) -> Iterator[TeacherWords]:
    """Bring captions and parsed interactions together, image by image.

    Args:
        answers (str | PathLike): ``answers.jsonl``, sorted by image.
        parsed (str | PathLike): The parsed layer, .jsonl or .parquet.

    Yields:
        TeacherWords: One for each image that has an answer.

    Raises:
        FileNotFoundError: One of the files is missing.
        ValueError: A line cannot be read, or the parsed layer is not sorted
            by image.
    """
    interactions = _InOrder(Path(parsed))
    with open(answers, encoding='utf-8') as file:
        rows = (json.loads(line) for line in file)
        for key, group in groupby(rows, key=lambda row: row['image_id']):
            texts = {row['kind']: row['text'] for row in group}
            words = parse_answer(
                RawAnswer(key, '', texts.get(CAPTION, ''),
                          texts.get(LIST, '[]')))
            words.interactions = interactions.get(key)
            yield words
    interactions.finish()


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
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no parsed answers; run the stage '
                                f'parse first')
    if path.suffix == '.parquet':
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise ImportError(
                f'{path}: reading Parquet needs pyarrow; install it with pip '
                f"install 'clhoi_mm[teacher]', or parse to .jsonl") from error
        for batch in parquet.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
    else:
        with open(path, encoding='utf-8') as file:
            for line in file:
                if line.strip():
                    yield json.loads(line)


class _InOrder:
    """Looks rows of the parsed layer up, read once from start to end."""

    def __init__(self, path: Path) -> None:
        self._rows = _sorted_rows(path)
        self._key, self._found = next(self._rows)

    def get(self, key: str) -> List[Interaction]:
        """Interactions of an image; none where it has no row.

        Args:
            key (str): Its key, behind the one that was asked for last.
        """
        while self._key is not None and self._key < key:
            self._key, self._found = next(self._rows)
        return self._found if self._key == key else []

    def finish(self) -> None:
        """Read what is left, so that its order is checked as well."""
        while self._key is not None:
            self._key, self._found = next(self._rows)


def _sorted_rows(
        path: Path) -> Iterator[Tuple[Optional[str], List[Interaction]]]:
    """Keys and interactions; at the end None."""
    last = ''
    for row in read_parsed(path):
        key = str(row['image_id'])
        if key <= last:
            raise ValueError(
                f'{path}: image "{key}" stands behind "{last}", but images '
                f'must be sorted, each once; run the stage parse again')
        last = key
        yield key, [(item['verb'], item['object'], item['score'])
                    for item in row['interactions']]
    yield None, []
