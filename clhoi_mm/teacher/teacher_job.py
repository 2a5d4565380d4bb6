import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, Set, Union

from tqdm import tqdm

from clhoi_mm.utils.files import atomic_path

from .backends import Backend
from .backends.base import Outcome
from .job_report import JobReport
from .parsing.caption_text import answer_problem
from .parsing.final_answer import EMPTY, REFUSED, UNFINISHED
from .parsing.reasoning import has_reasoning_marks, only_closes
from .requests.images import ImageSource
from .requests.messages import SCORE, Failure, Request
from .requests.request_builder import STAGES, RequestBuilder
from .requests.shards import Shard
from .store.raw_store import RAW, RawStore, request_id


@dataclass(frozen=True)
class TeacherJob:
    """Asks a VLLM about images, once, and keeps what it says.

    Attributes:
        images (ImageSource): All images; the shard picks its own.
        out_dir (str | PathLike): The pass's folder.
        shard (Shard): This process's part. Defaults to all.
        limit (int): Images to ask about at most, 0 for all. Defaults to 0.
        give_up_after (int): Failures in a row that end the run, since the
            model or its server is gone; what lies with one image is none
            of these. Defaults to 100.
        progress (bool): Whether to show a bar. Defaults to True.
    """

    images: ImageSource
    out_dir: Union[str, os.PathLike]
    shard: Shard = Shard()
    limit: int = 0
    give_up_after: int = 100
    progress: bool = True

    def run(self, maker: RequestBuilder, backend: Backend) -> JobReport:
        """Ask what is not known yet.

        Args:
            maker (RequestBuilder): Says what to ask.
            backend (Backend): Answers.

        Returns:
            JobReport: What came of it; also written to ``reports/``.

        Raises:
            ValueError: The backend cannot answer such questions.
            RuntimeError: Another process writes this shard, or the folder
                holds another model's answers.
            OSError: The disk is full; nothing written is lost.
        """
        kind = STAGES[maker.stage]
        if kind not in backend.kinds:
            raise ValueError(
                f'stage "{maker.stage}": "{backend.model}" cannot answer it; '
                f'use another backend, or leave the stage out'
            )
        report = JobReport(stage=maker.stage, shard=str(self.shard))
        register(self.out_dir, maker, backend.model)
        with RawStore(self.out_dir, kind, self.shard) as store:
            todo = self._unanswered(maker, store, report)
            bar = tqdm(
                total=len(todo),
                desc=f'{maker.stage} {self.shard}',
                unit='question',
                smoothing=0.02,
                disable=not self.progress,
            )
            report.left = len(todo)
            asked = self._ask_once(maker, todo)
            start, in_a_row = time.monotonic(), 0
            with bar:
                for question, outcome in backend.run(asked):
                    outcome = _checked(question, outcome, store)
                    bar.update()
                    report.count(question, outcome)
                    if isinstance(outcome, Failure):
                        store.add_failure(question, outcome)
                        in_a_row += not outcome.about_image
                        bar.set_postfix(failed=report.num_failed)
                    else:
                        store.add(question, outcome, backend.model)
                        in_a_row = 0
                    if in_a_row >= self.give_up_after:
                        report.gave_up = outcome.message
                        break
            report.seconds = time.monotonic() - start
            report.left -= report.done
        report.save(Path(self.out_dir, 'reports', f'{kind}-{self.shard}.json'))
        return report

    def _unanswered(
        self, maker: RequestBuilder, store: RawStore, report: JobReport
    ) -> Set[int]:
        """Ids of the questions without an answer; counts the others."""
        known, todo = store.known(maker.max_tokens), set()
        for question in self._questions(maker):
            name = _id(question)
            if name in known:
                report.known += 1
            else:
                todo.add(name)
        return todo

    def _ask_once(
        self, maker: RequestBuilder, todo: Set[int]
    ) -> Iterator[Request]:
        """The questions in ``todo``, which this empties."""
        for question in self._questions(maker) if todo else ():
            name = _id(question)
            if name in todo:
                todo.remove(name)
                yield question

    def _questions(self, maker: RequestBuilder) -> Iterator[Request]:
        images = (x for x in self.images if x.image_id in self.shard)
        if self.limit:
            images = (x for x, _ in zip(images, range(self.limit)))
        return maker.questions(images)


def register(
    out_dir: Union[str, os.PathLike], maker: RequestBuilder, model: str
) -> None:
    """Note in the folder which model and prompt its answers are from.

    Args:
        out_dir (str | PathLike): The pass's folder.
        maker (RequestBuilder): The stage and its prompts.
        model (str): The backend's model.

    Raises:
        RuntimeError: The folder holds another model's answers, or those
            about another vocabulary.
    """
    kind = STAGES[maker.stage]
    path = settings_file(out_dir, kind)
    settings = read_settings(out_dir, kind)
    ours = dict(model=model)
    if maker.vocabulary is not None and maker.stage != 'describe':
        ours.update(
            vocabulary=maker.vocabulary.name,
            vocabulary_hash=maker.vocabulary.hash,
        )
    for name, value in ours.items():
        if settings.get(name, value) != value:
            raise RuntimeError(
                f'{path}: field "{name}" is "{settings[name]}", this run has '
                f'"{value}"; keep one teacher to a folder: give another --out'
            )
    prompt = dict(
        name=maker.prompts.name,
        version=maker.prompts.version,
        hash=maker.template_hash,
    )
    text = json.dumps(dict(ours, prompt=prompt), indent=2) + '\n'
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        with atomic_path(path) as temp:
            temp.write_text(text, encoding='utf-8')


def settings_file(out_dir: Union[str, os.PathLike], kind: str) -> Path:
    """Where :func:`register` notes model and prompt."""
    return Path(out_dir, RAW, f'{kind}.json')


def read_settings(
    out_dir: Union[str, os.PathLike], kind: str
) -> Dict[str, Any]:
    """What :func:`register` noted; empty where there is nothing yet."""
    path = settings_file(out_dir, kind)
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text(encoding='utf-8'))
        settings['model'].strip, settings['prompt']['hash'].strip
        return settings
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f'{path}: unreadable ({error!r}); delete it, and the next run of '
            f'its stage writes it anew'
        ) from error


_WHY = {
    EMPTY: 'the model wrote nothing that answers',
    REFUSED: 'the model refused',
    UNFINISHED: 'the reasoning does not end; raise --max-tokens',
}


def _checked(question: Request, outcome: Outcome, store: RawStore) -> Outcome:
    """A text that is no answer is a failure, and asked for again."""
    if isinstance(outcome, Failure):
        return outcome
    problem = answer_problem(question.kind, outcome.text)
    if question.kind != SCORE:
        store.only_closes = store.only_closes or only_closes(outcome.text)
        if (
            store.only_closes
            and outcome.finish == 'length'
            and not has_reasoning_marks(outcome.text)
        ):
            problem = UNFINISHED
    if problem is None:
        return outcome
    return Failure(
        problem,
        f'{_WHY[problem]}: {outcome.text[:500]!r}',
        about_image=problem == REFUSED,
    )


def _id(question: Request) -> int:
    return request_id(question.image_id, question.prompt.digest)
