import json
import os
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterator, List, Union

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
        ValueError: A line cannot be read.
    """
    interactions = _read_parsed(Path(parsed))
    with open(answers, encoding='utf-8') as file:
        rows = (json.loads(line) for line in file)
        for key, group in groupby(rows, key=lambda row: row['image_id']):
            texts = {row['kind']: row['text'] for row in group}
            words = parse_answer(
                RawAnswer(key, '', texts.get(CAPTION, ''),
                          texts.get(LIST, '[]')))
            words.interactions = interactions.get(key, [])
            yield words


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


def _read_parsed(path: Path) -> Dict[str, List[Interaction]]:
    return {
        row['image_id']: [(item['verb'], item['object'], item['score'])
                          for item in row['interactions']]
        for row in read_parsed(path)
    }
