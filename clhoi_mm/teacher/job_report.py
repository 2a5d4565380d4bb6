import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple, Union

from clhoi_mm.utils.files import atomic_path
from clhoi_mm.vocabulary import HOIVocabulary

from .parsing.located_pairs import fitting_conventions, match_located
from .parsing.parse_answer import read_list
from .parsing.parse_report import located_lines
from .requests.locate_scene import LocateScene
from .requests.messages import (
    LIST,
    LOCATE,
    SCORE,
    Failure,
    Request,
    Response,
)

# Refusals of the model, and images without a caption to be read.
DECISIONS = ('refused', 'content_filter', 'no_caption')


@dataclass
class JobReport:
    """Counts of a run of one stage over one shard.

    Attributes:
        stage (str): 'describe', 'list', 'score' or 'locate'.
        shard (str): The part of the images.
        known (int): Requests answered by an earlier run.
        done (int): Requests answered by this run.
        left (int): Requests without an answer when it ended.
        failed (Counter): Failures by reason.
        tokens_in (int): Tokens that the model read.
        tokens_out (int): Tokens that it wrote.
        truncated (int): Answers that the token limit cut off.
        malformed (int): Structured answers that cannot be read in full.
        seconds (float): Time spent on requests.
        gave_up (str, optional): The last failure, where the run ended early.
        examples (Dict[str, str]): The first failure of each reason.
        without_objects (int): Images without an entry in the file of detected
            objects; no request is sent for them.
        pairs (Counter): (verb, object) of the structured answers, as
            'verb|object', with the number of images.
        located (Counter): Of 'locate', see :class:`LocatedPairs`.
        fits (Counter): Of 'locate' by boxes, see
            :func:`fitting_conventions`.
    """

    stage: str
    shard: str = ''
    known: int = 0
    done: int = 0
    left: int = 0
    failed: Counter = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0
    truncated: int = 0
    malformed: int = 0
    seconds: float = 0.0
    gave_up: Optional[str] = None
    examples: Dict[str, str] = field(default_factory=dict)
    without_objects: int = 0
    pairs: Counter = field(default_factory=Counter)
    located: Counter = field(default_factory=Counter)
    fits: Counter = field(default_factory=Counter)

    @property
    def num_failed(self) -> int:
        """int: All failures."""
        return sum(self.failed.values())

    @property
    def is_empty(self) -> bool:
        """bool: Whether there were requests and none is answered."""
        return bool(self.num_failed) and not self.done and not self.known

    @property
    def num_to_repeat(self) -> int:
        """int: Failures other than the model's refusals."""
        return self.num_failed - sum(self.failed[x] for x in DECISIONS)

    @property
    def main_failure(self) -> str:
        """str: Most frequent reason, with one failure's text."""
        if not self.failed:
            return ''
        reason = max(sorted(self.failed), key=self.failed.get)
        text = self.examples.get(reason, '')
        return f'{reason}: {text}' if text else reason

    def count(
        self, request: Request, outcome: Union[Response, Failure]
    ) -> None:
        """Add the outcome of a request."""
        if isinstance(outcome, Failure):
            self.failed[outcome.reason] += 1
            self.examples.setdefault(
                outcome.reason,
                describe_failure(request.image_id, outcome.message),
            )
            return
        # A score is one token by design.
        self.count_answer(
            request.kind,
            outcome.text,
            outcome.tokens_in,
            outcome.tokens_out,
            outcome.finish == 'length' and request.kind != SCORE,
            request.prompt.scene,
        )

    def count_answer(
        self,
        kind: str,
        text: str,
        tokens_in: int,
        tokens_out: int,
        truncated: bool,
        scene: Optional[LocateScene] = None,
    ) -> None:
        """Add an answer.

        Args:
            kind (str): One of :data:`KINDS`.
            text (str): The model's output; that of 'list' and 'locate' is
                read.
            tokens_in (int): Tokens read.
            tokens_out (int): Tokens written.
            truncated (bool): Whether the token limit cut it off.
            scene (LocateScene, optional): What 'locate' asked.
        """
        self.done += 1
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.truncated += truncated
        if kind == LIST:
            answer = read_list(text)
            self.malformed += answer.malformed
            self.pairs.update(
                f'{x.verb}|{x.object}' for x in answer.interactions
            )
        elif kind == LOCATE:
            self.located.update(match_located(text, scene).outcomes)
            if scene.style == 'boxes':
                self.fits.update(fitting_conventions(text, scene))

    def __add__(self, other: 'JobReport') -> 'JobReport':
        """Add up two shards' reports, their seconds as well."""
        total = JobReport(self.stage, self.shard)
        for name in (
            'known',
            'done',
            'left',
            'failed',
            'seconds',
            'tokens_in',
            'tokens_out',
            'truncated',
            'malformed',
            'pairs',
            'located',
            'fits',
            'without_objects',
        ):
            setattr(total, name, getattr(self, name) + getattr(other, name))
        total.gave_up = self.gave_up or other.gave_up
        total.examples = {**other.examples, **self.examples}
        return total

    def to_json(self) -> str:
        """Return all fields as JSON."""
        return json.dumps(vars(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> 'JobReport':
        """Read the report that :meth:`to_json` wrote."""
        fields = json.loads(text)
        for name in ('failed', 'pairs', 'located', 'fits'):
            fields[name] = Counter(fields.get(name, {}))
        return cls(**fields)

    def save(self, path: Union[str, os.PathLike]) -> None:
        """Write it as JSON, atomically."""
        with atomic_path(path) as temp:
            temp.write_text(self.to_json() + '\n', encoding='utf-8')

    def lines(self, vocabulary: Optional[HOIVocabulary] = None) -> List[str]:
        """Format the report.

        Args:
            vocabulary (HOIVocabulary, optional): Pairs outside it are listed
                apart. Defaults to None.

        Returns:
            List[str]: A line for each fact.
        """
        rate = (
            f'{self.done / self.seconds:.2f} answers/s in '
            f'{self.seconds:.1f} s; '
            if self.seconds
            else ''
        )
        known = f'{self.known} known before, ' if self.known else ''
        lines = [
            f'{self.stage}: {self.done} answered, {known}{self.num_failed} '
            f'failed, {self.left} left open',
            f'  {rate}tokens {self.tokens_in} in, {self.tokens_out} out',
        ]
        if self.failed:
            lines.append('  failed: ' + _most(self.failed))
            lines.append('  most frequent failure: ' + self.main_failure)
        if self.without_objects:
            lines.append(
                f'  not among the detected objects, no request for them: '
                f'{self.without_objects} images'
            )
        if self.truncated:
            lines.append(
                f'  cut off at the token limit: {self.truncated} '
                f'(raise --max-tokens to request these again)'
            )
        lines += [f'  {line}' for line in located_lines(self.located)]
        if self.stage == 'list' and self.done:
            share = 100 * self.malformed / self.done
            lines.append(f'  malformed: {self.malformed} ({share:.1f} %)')
            inside, outside = self._split(vocabulary)
            lines.append('  most frequent: ' + (_most(inside) or 'none'))
            if vocabulary is not None:
                lines.append(
                    '  outside the vocabulary: ' + (_most(outside) or 'none')
                )
        if self.gave_up:
            lines.append(
                f'  gave up, too many failures in a row: {self.gave_up}'
            )
        if self.left > self.failed['no_caption']:
            lines.append('  run the same command again to request the rest')
        return lines

    def _split(
        self, vocabulary: Optional[HOIVocabulary]
    ) -> Tuple[Dict[str, int], Dict[str, int]]:
        inside: Dict[str, int] = {}
        outside: Dict[str, int] = {}
        for name, count in self.pairs.items():
            verb, _, obj = name.partition('|')
            known = (
                vocabulary is None
                or vocabulary.hoi_id(
                    vocabulary.verb_label(verb), vocabulary.object_label(obj)
                )
                >= 0
            )
            (inside if known else outside)[f'{verb} {obj}'] = count
        return inside, outside


def describe_failure(image_id: str, message: str) -> str:
    """Describe a failure in one line of a report."""
    text = ' '.join(message.split())
    return f'{image_id}: {text}'[:500] if text else image_id


def _most(counts: Dict[str, int], limit: int = 10) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    text = ', '.join(f'{name} ({count})' for name, count in ordered[:limit])
    return text + (
        f' and {len(ordered) - limit} more' if len(ordered) > limit else ''
    )
