"""Mutation of texts as by models, tokenizers and storage."""

import json
import random
from typing import Callable, List, Sequence

# Fragments and characters that are difficult for parsers.
_PIECES = (
    '<think>', '</think>', '<answer>', '</answer>', '<|begin_of_box|>',
    '<|channel|>final<|message|>', '```json', '```', '[', ']', '{', '}', '"',
    "'", '(', ')', '[{"verb": "ride", "object":', '}]', '\\', '\n\n', '\t',
    '\r\n', '- ', '1. ', '**', '###', ';', ':', '...', '\u2019', '\u201c',
    '\u2026', '\u00a0', '\u200b', '\u202e', '\ufeff', '\x00', '\x1b[31m',
    '\ud83d', '\U0001f6b2', '\u00e9', 'e\u0301', '\u4e00\u4e2a\u4eba',
    '\u0627\u0644', '\ufb01', '\u0130', '\u1e9e', ' and ', ' or ', ' nor ',
    ' not ', ' no ', ' who ', ' which ', ' that ', ' while ', ' as he rides ',
    ' each other ', ' it ', ' they ', ' is ', ' being ', ' to ', ' of ',
    " '", "'s ", '9' * 400, '%', '$', '\\u0000', '&lt;', '</s>'
)  # yapf: disable


class TextMutator:
    """Generator of mutated texts by seed.

    Args:
        texts (Sequence[str]): The texts, at least one.
        seed (int): Random seed. Defaults to 0.
    """

    def __init__(self, texts: Sequence[str], seed: int = 0) -> None:
        self.texts = texts
        self._rng = random.Random(seed)
        self._ways: List[Callable[[str], str]] = [
            self._insert,
            self._delete,
            self._repeat,
            self._loop,
            self._swap_words,
            self._drop_words,
            self._cut,
            self._join,
            self._change_case,
            self._replace_character,
            self._wrap,
        ]

    def draw(self) -> str:
        """Draw a text, mutated in one to four ways."""
        text = self._rng.choice(self.texts)
        for _ in range(self._rng.randint(1, 4)):
            text = self._rng.choice(self._ways)(text)
        return text[:20000]

    def _span(self, text: str, longest: int) -> slice:
        start = self._rng.randint(0, len(text))
        return slice(start, start + self._rng.randint(1, longest))

    def _insert(self, text: str) -> str:
        place = self._rng.randint(0, len(text))
        piece = self._rng.choice(_PIECES) * self._rng.choice((1, 1, 1, 2, 60))
        return text[:place] + piece + text[place:]

    def _delete(self, text: str) -> str:
        span = self._span(text, 30)
        return text[: span.start] + text[span.stop :]

    def _repeat(self, text: str) -> str:
        span = self._span(text, 40)
        times = self._rng.choice((2, 3, 50))
        return text[: span.start] + text[span] * times + text[span.stop :]

    def _loop(self, text: str) -> str:
        """Repeat a word, like models up to the token limit."""
        word = self._rng.choice(text.split(' '))
        return text + f' {word}' * self._rng.choice((20, 20, 20, 200, 2000))

    def _swap_words(self, text: str) -> str:
        words = text.split(' ')
        for _ in range(3):
            i, j = (self._rng.randrange(len(words)) for _ in range(2))
            words[i], words[j] = words[j], words[i]
        return ' '.join(words)

    def _drop_words(self, text: str) -> str:
        return ' '.join(
            word for word in text.split(' ') if self._rng.random() < 0.8
        )

    def _cut(self, text: str) -> str:
        return text[: self._rng.randint(0, len(text))]

    def _join(self, text: str) -> str:
        mark = self._rng.choice((' ', '', '\n', ', and ', ' while ', '; '))
        return text + mark + self._rng.choice(self.texts)

    def _change_case(self, text: str) -> str:
        return self._rng.choice((str.upper, str.lower, str.title))(text)

    def _replace_character(self, text: str) -> str:
        if not text:
            return text
        place = self._rng.randrange(len(text))
        number = self._rng.choice((0x80, 0x250, 0x3100, 0xE000, 0x110000))
        new = chr(self._rng.randrange(number))
        return text[:place] + new + text[place + 1 :]

    def _wrap(self, text: str) -> str:
        return self._rng.choice(
            (
                json.dumps(dict(caption=text)),
                json.dumps([text]),
                json.dumps([dict(verb=text, object=text[:20])]),
                f'```json\n{text}\n```',
                f'<think>{text}</think>{text}',
                f'<think>{text}',
                '[' * 300 + text,
            )
        )
