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
from .parsing.answer_check import AnswerCheck
from .parsing.final_answer import EMPTY, REFUSED, UNFINISHED
from .requests.box_convention import CONVENTIONS
from .requests.images import ImageSource
from .requests.locate_builder import LocateRequestBuilder
from .requests.messages import Failure, Request
from .requests.request_builder import STAGES, RequestBuilder
from .requests.shards import Shard
from .store.raw_store import RAW, RawStore, request_id

Builder = Union[RequestBuilder, LocateRequestBuilder]
# Boxes of answers from which on their convention is certain.
_CERTAIN = 20


@dataclass(frozen=True)
class TeacherJob:
    """Run of one stage: requests to a VLLM.

    Attributes:
        images (ImageSource): All images; the shard picks its own.
        out_dir (str | PathLike): The pass's folder.
        shard (Shard): This process's part. Defaults to all.
        limit (int): Maximum number of images, 0 for all. Defaults to 0.
        give_up_after (int): Failures in a row that end the run, since the
            model or its server is gone; failures of single images do not
            count. Defaults to 100.
        progress (bool): Whether to show a bar. Defaults to True.
    """

    images: ImageSource
    out_dir: Union[str, os.PathLike]
    shard: Shard = Shard()
    limit: int = 0
    give_up_after: int = 100
    progress: bool = True

    def run(self, builder: Builder, backend: Backend) -> JobReport:
        """Send the requests that have no answer yet.

        Args:
            builder (Builder): Builds the requests.
            backend (Backend): Answers them.

        Returns:
            JobReport: Counts; also written to ``reports/``.

        Raises:
            ValueError: The backend cannot answer such requests, or its boxes
                follow another convention than stated; answers are kept.
            RuntimeError: Another process writes this shard, or the folder
                holds another model's answers.
            OSError: The disk is full; nothing written is lost.
        """
        kind = STAGES[builder.stage]
        if kind not in backend.kinds:
            raise ValueError(
                f'stage "{builder.stage}": "{backend.model}" cannot answer '
                f'it; use another backend, or leave the stage out'
            )
        report = JobReport(stage=builder.stage, shard=str(self.shard))
        register(self.out_dir, builder, backend.model)
        with RawStore(self.out_dir, kind, self.shard) as store:
            todo = self._unanswered(builder, store, report)
            bar = tqdm(
                total=len(todo),
                desc=f'{builder.stage} {self.shard}',
                unit='request',
                smoothing=0.02,
                disable=not self.progress,
            )
            report.left = len(todo)
            requests = self._take_once(builder, todo)
            start, in_a_row = time.monotonic(), 0
            with bar:
                for request, outcome in backend.run(requests):
                    outcome = _check(request, outcome, store)
                    bar.update()
                    report.count(request, outcome)
                    if isinstance(outcome, Failure):
                        store.add_failure(request, outcome)
                        in_a_row += not outcome.about_image
                        bar.set_postfix(failed=report.num_failed)
                    else:
                        store.add(request, outcome, backend.model)
                        in_a_row = 0
                        check_convention(report, request)
                    if in_a_row >= self.give_up_after:
                        report.gave_up = outcome.message
                        break
            report.seconds = time.monotonic() - start
            report.left -= report.done
        report.save(Path(self.out_dir, 'reports', f'{kind}-{self.shard}.json'))
        return report

    def _unanswered(
        self, builder: Builder, store: RawStore, report: JobReport
    ) -> Set[int]:
        """Return ids of requests without an answer; count the others."""
        known, todo = store.known(builder.max_tokens), set()
        for request in self._requests(builder):
            name = _id(request)
            if name in known:
                report.known += 1
            else:
                todo.add(name)
        return todo

    def _take_once(
        self, builder: Builder, todo: Set[int]
    ) -> Iterator[Request]:
        """Yield the requests in ``todo`` once, emptying it."""
        for request in self._requests(builder) if todo else ():
            name = _id(request)
            if name in todo:
                todo.remove(name)
                yield request

    def _requests(self, builder: Builder) -> Iterator[Request]:
        images = (x for x in self.images if x.image_id in self.shard)
        if self.limit:
            images = (x for x, _ in zip(images, range(self.limit)))
        return builder.build(images)


def check_convention(report: JobReport, request: Request) -> None:
    """Compare the boxes of the answers so far with the detections.

    Args:
        report (JobReport): Counts them.
        request (Request): States the convention.

    Raises:
        ValueError: Many more boxes match by another convention.
    """
    fits = report.fits
    if fits['boxes'] < _CERTAIN:
        return
    stated = request.prompt.scene.coordinates
    best = max(CONVENTIONS, key=lambda name: fits[name])
    if 2 * fits[best] > fits['boxes'] and 2 * fits[stated] < fits[best]:
        raise ValueError(
            f'stage "locate": {fits[best]} of the first {fits["boxes"]} boxes '
            f'match detections as "{best}", and {fits[stated]} as "{stated}", '
            f'as stated; run the same command again with --coordinates {best} '
            f'(answers are kept)'
        )


def register(
    out_dir: Union[str, os.PathLike], builder: Builder, model: str
) -> None:
    """Record the model and prompt of a folder's answers.

    Args:
        out_dir (str | PathLike): The pass's folder.
        builder (Builder): The stage and its prompts.
        model (str): The backend's model.

    Raises:
        RuntimeError: The folder holds another model's answers, or those
            about another vocabulary.
    """
    kind = STAGES[builder.stage]
    path = settings_file(out_dir, kind)
    settings = read_settings(out_dir, kind)
    ours: Dict[str, Any] = dict(model=model)
    if builder.vocabulary is not None and builder.stage != 'describe':
        ours.update(
            vocabulary=builder.vocabulary.name,
            vocabulary_hash=builder.vocabulary.hash,
        )
    for name, value in ours.items():
        if settings.get(name, value) != value:
            raise RuntimeError(
                f'{path}: field "{name}" is "{settings[name]}", this run has '
                f'"{value}"; keep one teacher to a folder: give another --out'
            )
    prompt = dict(
        name=builder.prompts.name,
        version=builder.prompts.version,
        hash=builder.template_hash,
    )
    ours.update(prompt=prompt)
    if isinstance(builder, LocateRequestBuilder):
        ours.update(coordinates=builder.coordinates)
    text = json.dumps(ours, indent=2) + '\n'
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        with atomic_path(path) as temp:
            temp.write_text(text, encoding='utf-8')


def settings_file(out_dir: Union[str, os.PathLike], kind: str) -> Path:
    """Return the path of the file that :func:`register` writes."""
    return Path(out_dir, RAW, f'{kind}.json')


def read_settings(
    out_dir: Union[str, os.PathLike], kind: str
) -> Dict[str, Any]:
    """Read the file of :func:`register`; empty where there is none."""
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


def _check(request: Request, outcome: Outcome, store: RawStore) -> Outcome:
    """Turn a response that is no answer into a failure."""
    if isinstance(outcome, Failure):
        return outcome
    check = AnswerCheck(request.kind, outcome.text, outcome.finish)
    store.only_closes = store.only_closes or check.only_closes
    is_unfinished = store.only_closes and check.is_cut_unmarked
    problem = UNFINISHED if is_unfinished else check.problem
    if problem is None:
        return outcome
    return Failure(
        problem,
        f'{_WHY[problem]}: {outcome.text[:500]!r}',
        about_image=problem == REFUSED,
    )


def _id(request: Request) -> int:
    return request_id(request.image_id, request.prompt.digest)
