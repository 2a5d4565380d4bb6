from collections import Counter
from dataclasses import dataclass, field
from typing import List


@dataclass
class ParseReport:
    """Counts of the stage parse.

    Attributes:
        records (int): Raw records read.
        images (int): Images they are about.
        interactions (int): Interactions written.
        in_vocabulary (int): Those that are classes of the vocabulary.
        malformed (int): Structured answers that were not well-formed; what
            could be read of them counts.
        foreign (int): Answers that are not in English, whose prose is
            skipped.
        no_answer (Counter): Answers that are none, by reason: empty, refused
            or reasoning that does not end; nothing is read from them.
        unparsed (int): Answers with a text that could not be parsed; they are
            named in ``unparsed_file``.
        unparsed_file (str): File of these answers.
        unread (int): Texts in prose skipped for lack of a
            library.
        unread_reason (str): Library that is missing.
        undetected (int): Interactions left out since their object was not
            detected.
        invalid_pair (int): Interactions left out since the vocabulary has verb
            and object, but no such class.
        unlikely (int): Candidates left out for a low score.
        rejected (int): Lines that are no raw record; they are kept in
            ``rejected_file``.
        rejected_file (str): File of these lines.
        outside (Counter): Interactions outside the vocabulary.
        frequent (Counter): Those inside it.
        located (Counter): Labels of the stage locate, their pairs, and pairs
            that were dropped by reason; see :class:`LocatedPairs`.
    """

    records: int = 0
    images: int = 0
    interactions: int = 0
    in_vocabulary: int = 0
    malformed: int = 0
    foreign: int = 0
    no_answer: Counter = field(default_factory=Counter)
    unparsed: int = 0
    unparsed_file: str = ''
    unread: int = 0
    unread_reason: str = ''
    undetected: int = 0
    invalid_pair: int = 0
    unlikely: int = 0
    rejected: int = 0
    rejected_file: str = ''
    outside: Counter = field(default_factory=Counter)
    frequent: Counter = field(default_factory=Counter)
    located: Counter = field(default_factory=Counter)

    def add(self, other: 'ParseReport') -> None:
        """Add the counts of another process."""
        self.malformed += other.malformed
        self.foreign += other.foreign
        self.no_answer.update(other.no_answer)
        self.located.update(other.located)
        self.unread += other.unread
        self.unread_reason = self.unread_reason or other.unread_reason

    def lines(self) -> List[str]:
        """Format the report."""
        lines = [
            f'{self.records} answers about {self.images} images: '
            f'{self.interactions} interactions, {self.in_vocabulary} of '
            f'them in the vocabulary',
            f'left out      {self.undetected} objects not detected, '
            f'{self.invalid_pair} ruled out by the vocabulary, '
            f'{self.unlikely} unlikely',
            f'answers       {self.malformed} malformed, {self.foreign} not '
            f'in English',
        ]
        if self.no_answer:
            lines.append('no answer     ' + _top(self.no_answer))
        lines += located_lines(self.located)
        if self.frequent:
            lines.append('most frequent ' + _top(self.frequent))
        if self.outside:
            lines.append('outside       ' + _top(self.outside))
        if self.rejected:
            lines.append(
                f'{self.rejected} lines are no raw records and were '
                f'put into {self.rejected_file}; correct and append '
                f'them, then parse again'
            )
        if self.unread:
            lines.append(
                f'{self.unread} texts in prose were not read: '
                f'{self.unread_reason}'
            )
        if self.unparsed:
            lines.append(
                f'{self.unparsed} answers could not be parsed and are named '
                f'in {self.unparsed_file}; the others are not affected'
            )
        return lines

    def __str__(self) -> str:
        return '\n'.join(self.lines())


def located_lines(located: Counter) -> List[str]:
    """Format the outcomes of the stage locate, none without answers."""
    if not located:
        return []
    counts = [located[name] for name in ('asked', 'pointed', 'matched')]
    lines = [
        'located       {} labels asked for, {} pairs pointed at, {} of them '
        'matched'.format(*counts)
    ]
    dropped = Counter(located)
    for name in ('asked', 'pointed', 'matched'):
        del dropped[name]
    if dropped:
        lines.append('dropped pairs ' + _top(dropped))
    return lines


def _top(counts: Counter) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ', '.join(f'{name} ({count})' for name, count in ranked[:10])
