import os
import sys
from itertools import chain, groupby
from pathlib import Path
from typing import Iterator, List, Tuple, Union

from ..interaction import Interaction
from ..parsing.parse_answer import label_image, read_list
from ..requests.messages import CAPTION, LIST
from .parsed_file import PARSE_AGAIN, read_lines, read_parsed
from .pseudo_labels import PseudoLabels


def read_pseudo_labels(
    answers: Union[str, os.PathLike], parsed: Union[str, os.PathLike]
) -> Iterator[PseudoLabels]:
    """Join captions and parsed interactions, image by image.

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
    interactions = _SortedImages(Path(parsed))
    missing: List[str] = []
    count = 0
    rows = read_lines(Path(answers), ('image_id', 'kind', 'text'))
    for key, group in groupby(rows, key=lambda row: row['image_id']):
        texts = [(row['kind'], row['text']) for row in group]
        lists = [text for kind, text in texts if kind == LIST]
        yield label_image(
            key,
            [text for kind, text in texts if kind == CAPTION],
            interactions.get(key),
            # The parsed layer does not hold it.
            bool(lists) and read_list(lists[-1]).malformed,
        )
        count += 1
        if interactions.key != key:
            missing.append(key)
    interactions.finish()
    if missing:
        _report_missing(missing, count, parsed)


def _report_missing(
    missing: List[str], count: int, parsed: Union[str, os.PathLike]
) -> None:
    """Report images without a row, which are false negatives."""
    text = (
        f'{parsed}: {len(missing)} of {count} images that have an answer '
        f'have no row, for one "{missing[0]}"; {PARSE_AGAIN}'
    )
    if len(missing) == count:
        raise ValueError(text)
    print(text, file=sys.stderr)


class _SortedImages:
    """Interactions by image, from one sequential read.

    Attributes:
        key (str, optional): Key of the row that was read last, None at the
            end.
    """

    def __init__(self, path: Path) -> None:
        self._rows = chain(read_sorted(path), [(None, [])])
        self.key, self._found = next(self._rows)

    def get(self, key: str) -> List[Interaction]:
        """Get an image's interactions; none without a row.

        Args:
            key (str): Its key, behind that of the previous call.
        """
        while self.key is not None and self.key < key:
            self.key, self._found = next(self._rows)
        return self._found if self.key == key else []

    def finish(self) -> None:
        """Read the remaining rows, so that their order is checked."""
        while self.key is not None:
            self.key, self._found = next(self._rows)


def read_sorted(
    path: Path,
) -> Iterator[Tuple[str, List[Interaction]]]:
    """Read a parsed layer that must be sorted by image.

    Args:
        path (Path): The file.

    Yields:
        Tuple[str, List[Interaction]]: Key and interactions.

    Raises:
        ValueError: It is damaged or not sorted; the message names it.
    """
    last = ''
    for key, found in read_parsed(path):
        if key <= last:
            raise ValueError(
                f'{path}: image "{key}" stands behind "{last}", but images '
                f'must be sorted, each once; {PARSE_AGAIN}'
            )
        last = key
        yield key, found
