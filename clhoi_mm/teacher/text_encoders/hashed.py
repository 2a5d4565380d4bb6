import hashlib
import math
import re
from typing import Dict, Sequence

import numpy as np

from .registry import TEXT_ENCODERS

_STOP_WORDS = frozenset(
    'a an the is are was were be being been it its his her their this that '
    'these those there here in on at of to for from with by and or while as '
    'some one two several who which has have'.split()
)
# Nearly every phrase names the person, in many ways.
_PERSON_WORDS = frozenset(
    'person persons people someone somebody human man men woman women child '
    'children boy girl figure'.split()
)
_WORD = re.compile(r'[^\W_]+')


def stem(word: str) -> str:
    """Cut the common English endings, so that inflections fall together.

    'ride', 'rides' and 'riding' all give 'rid'. The result is an identifier
    of the word, not a word of the language.

    Args:
        word (str): One word in lower case.

    Returns:
        str: Its stem.
    """
    if len(word) > 4 and word.endswith(('ies', 'ied')):
        word = word[:-3] + 'y'
    elif len(word) > 4 and word.endswith(('sses', 'ches', 'shes', 'xes')):
        word = word[:-2]
    elif len(word) > 3 and word.endswith('s') and word[-2] not in 'su':
        word = word[:-1]
    if word.endswith('ing') and _has_vowel(word[:-3]):
        word = _undouble(word[:-3])
    elif word.endswith('ed') and word[-3:] != 'eed' and _has_vowel(word[:-2]):
        word = _undouble(word[:-2])
    if len(word) > 3 and word.endswith('e'):
        word = word[:-1]
    return word[:-1] + 'i' if len(word) > 2 and word[-1] == 'y' else word


def _has_vowel(word: str) -> bool:
    return len(word) > 1 and any(letter in 'aeiouy' for letter in word)


def _undouble(word: str) -> str:
    doubled = len(word) > 3 and word[-1] == word[-2]
    return word[:-1] if doubled and word[-1] not in 'lsz' else word


def _signs(token: str, dim: int) -> np.ndarray:
    """Hash a token to a vector of +1 and -1, (dim,)."""
    digest = hashlib.shake_256(token.encode('utf-8', 'replace')).digest(
        (dim + 7) // 8
    )
    bits = np.unpackbits(np.frombuffer(digest, np.uint8))[:dim]
    return bits.astype(np.float64) * 2 - 1


@TEXT_ENCODERS.register_module()
class HashedTextEncoder:
    """Text encoder without weights: sum of hashed words' vectors.

    A word's vector is hashed from its stem, with a part hashed from the
    stem's letter trigrams: inflections of one word coincide, related
    spellings are near each other, other words are nearly orthogonal. Stop
    words and words for a person weigh little, word order does not matter.
    The output depends on the text and ``dim`` alone, over machines and
    versions of Python and numpy.

    Args:
        dim (int): Length of an embedding. Defaults to 256.
    """

    version = 1
    stop_weight = 0.05
    person_weight = 0.3
    trigram_share = 0.5

    def __init__(self, dim: int = 256) -> None:
        if dim < 8:
            raise ValueError(
                f'HashedTextEncoder: dim must be 8 or more to '
                f'tell words apart, got {dim}'
            )
        self.dim = dim
        self._vectors: Dict[str, np.ndarray] = {}

    @property
    def identity(self) -> str:
        """str: Everything that determines the output."""
        return f'HashedTextEncoder(dim={self.dim}, version={self.version})'

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts (Sequence[str]): n texts of any length; a text without any
                word gets a vector of its own.

        Returns:
            np.ndarray: (n, dim) float32, rows of unit length.
        """
        rows = np.empty((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts):
            words = _WORD.findall(text.lower()) or ['']
            total = sum(self._word_vector(word) for word in words)
            # fsum is exact, so the last bit is the same on every machine.
            row[:] = total / math.sqrt(math.fsum(total * total))
        return rows

    def _word_vector(self, word: str) -> np.ndarray:
        vector = self._vectors.get(word)
        if vector is None:
            vector = self._vectors[word] = self._make_word_vector(word)
        return vector

    def _make_word_vector(self, word: str) -> np.ndarray:
        if word in _PERSON_WORDS:
            return self.person_weight * _signs('word:person', self.dim)
        if word in _STOP_WORDS:
            return self.stop_weight * _signs(f'word:{word}', self.dim)
        stemmed = stem(word)
        padded = f'<{stemmed}>'
        trigrams = [
            padded[start : start + 3] for start in range(len(padded) - 2)
        ] or [padded]
        spelling = sum(
            _signs(f'trigram:{gram}', self.dim) for gram in trigrams
        ) / math.sqrt(len(trigrams))
        return (
            math.sqrt(1 - self.trigram_share)
            * _signs(f'word:{stemmed}', self.dim)
            + math.sqrt(self.trigram_share) * spelling
        )
