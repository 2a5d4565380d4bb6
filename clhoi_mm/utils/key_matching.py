"""Check that two files refer to the same images."""

from dataclasses import dataclass
from itertools import islice
from typing import Any, Collection, Iterable, List

from .key_differences import guess_cause

# Number of keys of each side that are compared to guess the cause.
_SAMPLE = 100_000


@dataclass(frozen=True)
class KeyMatch:
    """Result of matching the keys of two files.

    Attributes:
        left_name (str): Name of the first keys, for messages.
        right_name (str): Name of the second keys, for messages.
        matched (int): Keys of the first that the second has.
        unmatched (int): Keys of the first that the second lacks.
        unused (int): Keys of the second that the first lacks.
        unmatched_example (Any): One of the unmatched keys, None without.
        unused_example (Any): One of the unused keys, None without.
    """

    left_name: str
    right_name: str
    matched: int
    unmatched: int
    unused: int
    unmatched_example: Any = None
    unused_example: Any = None

    def lines(self) -> List[str]:
        """Describe unmatched keys, one sentence for each side.

        Returns:
            List[str]: Empty where all keys match.
        """
        sides = (
            (
                self.unmatched,
                self.left_name,
                self.right_name,
                self.unmatched_example,
            ),
            (
                self.unused,
                self.right_name,
                self.left_name,
                self.unused_example,
            ),
        )
        return [
            f'{count} of {count + self.matched} keys of {name} are not among '
            f'those of {other}, for one {example!r}'
            for count, name, other, example in sides
            if count
        ]


def match_keys(
    left: Iterable[Any],
    right: Collection[Any],
    left_name: str,
    right_name: str,
    remedy: str = '',
) -> KeyMatch:
    """Count matching keys; raise an error if there are none.

    Keys are compared exactly: ``1`` and ``'1'`` do not match. An empty side
    matches nothing and is no error here; the caller reports it.

    Args:
        left (Iterable): Keys, iterated once; may be a generator of millions.
        right (Collection): Keys with a fast ``in``: a set or a mapping.
        left_name (str): Name of the first keys, for messages: a path, or
            'the images of PATH'.
        right_name (str): Name of the second keys, for messages.
        remedy (str): The option or field that usually helps, appended to the
            cause. Defaults to ''.

    Returns:
        KeyMatch: The counts; repeated keys of ``left`` count each time.

    Raises:
        ValueError: If both have keys and none matches. The message shows one
            key of each and the likely remedy.
    """
    matched, unmatched = 0, 0
    example = None
    sample: List[Any] = []
    used = set()
    for key in left:
        if len(sample) < _SAMPLE:
            sample.append(key)
        if key in right:
            matched += 1
            used.add(key)
        else:
            example = key if not unmatched else example
            unmatched += 1
    if unmatched and not matched and len(right):
        raise ValueError(
            no_match_message(sample, right, left_name, right_name, remedy)
        )
    unused = len(right) - len(used)
    return KeyMatch(
        left_name,
        right_name,
        matched,
        unmatched,
        unused,
        example,
        next((key for key in right if key not in used), None)
        if unused
        else None,
    )


def no_match_message(
    left: Iterable[Any],
    right: Iterable[Any],
    left_name: str,
    right_name: str,
    remedy: str = '',
) -> str:
    """Describe that no key matches, with a likely cause.

    Args:
        left (Iterable): Keys, of which the first 100,000 are used.
        right (Iterable): Keys, of which the first 100,000 are used.
        left_name (str): Name of the first keys.
        right_name (str): Name of the second keys.
        remedy (str): Appended to the cause. Defaults to ''.

    Returns:
        str: One sentence.
    """
    lefts = list(islice(left, _SAMPLE))
    rights = list(islice(right, _SAMPLE))
    one, other, cause = guess_cause(lefts, rights, left_name, right_name)
    text = (
        f'no key of {left_name}, such as {one!r}, is among those of '
        f'{right_name}, such as {other!r}: {cause}'
    )
    return f'{text}; {remedy}' if remedy else text
