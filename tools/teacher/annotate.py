"""Query a VLLM about images, and build the training cache.

Stages: describe (a caption), list (interactions chosen from a vocabulary),
score (yes or no for each candidate), parse (text to interactions), locate
(which pairs the parsed interactions are about; parse reads the answers), embed
(texts to vectors), pack (the training cache). Each is a command, and "run"
does several in a row; "report" prints the progress of all shards; "agree"
joins several teachers' parsed folders into one to embed and pack. The same
command resumes after an interruption.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from annotate_options import OFFLINE, make_parser

from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.ask_config import AskConfig
from clhoi_mm.teacher.backends import Backend
from clhoi_mm.teacher.folder_report import report_folder
from clhoi_mm.teacher.job_checks import note_unused
from clhoi_mm.teacher.job_report import JobReport
from clhoi_mm.teacher.offline_stages import (
    PARSED,
    embed_pass,
    pack_pass,
    parse_pass,
)
from clhoi_mm.teacher.parsing.caption_parser import find_model
from clhoi_mm.teacher.requests.detected_objects import (
    DetectedObjects,
    read_detected_objects,
)
from clhoi_mm.teacher.requests.images import ImageSource
from clhoi_mm.teacher.requests.request_builder import STAGES
from clhoi_mm.teacher.store.agreement import unite_teachers
from clhoi_mm.vocabulary import HOIVocabulary

REQUESTED = ('describe', 'list')
_NEED_OBJECTS = {'list', 'score', 'parse', 'locate'}


def parse_args() -> argparse.Namespace:
    return make_parser(__doc__).parse_args()


def read_backend(args: argparse.Namespace) -> Dict[str, Any]:
    cfg: Dict[str, Any] = dict(type=args.backend)
    if args.model is not None:
        cfg['model'] = args.model
    for option in args.options:
        name, equals, value = option.partition('=')
        if not equals:
            raise ValueError(f'--options {option}: write NAME=VALUE')
        try:
            cfg[name] = json.loads(value)
        except ValueError:
            cfg[name] = value
    if args.captions is not None:
        cfg['captions'] = args.captions
    if args.backend == 'simulated':
        cfg.setdefault('vocabulary', args.vocab)
        cfg.setdefault('ann_file', args.images)
    return cfg


def read_parse_options(
    args: argparse.Namespace, vocabulary: HOIVocabulary
) -> Dict[str, Any]:
    """Read the options of the command parse, and print notes."""
    objects = None
    if args.objects is not None:
        objects = read_detected_objects(args.objects, vocabulary)
        for note in objects.notes:
            print(note)
    return dict(
        objects=objects,
        min_score=args.min_score,
        keep_ruled_out=args.keep_ruled_out,
        workers=args.workers,
    )


def read_objects(
    args: argparse.Namespace, stages: Sequence[str]
) -> Optional[DetectedObjects]:
    """Read the stages' detected objects, and print notes."""
    if args.objects is None or not _NEED_OBJECTS & set(stages):
        return None
    objects = read_detected_objects(
        args.objects,
        HOIVocabulary.load(args.vocab),
        args.shard,
        args.min_object_score,
        'locate' in stages,
    )
    for note in objects.notes:
        print(note)
    return objects


def ask_config(args: argparse.Namespace, stages: Sequence[str]) -> AskConfig:
    """Collect the options of request stages."""
    return AskConfig(
        stages=tuple(stages),
        images=args.images,
        image_root=args.image_root,
        orientation=args.orientation,
        out=args.out,
        backend=read_backend(args),
        imports=tuple(args.imports),
        vocabulary=args.vocab,
        objects=args.objects,
        min_object_score=args.min_object_score,
        prompts=args.prompts,
        max_tokens=args.max_tokens,
        max_candidates=args.max_candidates,
        style=args.style,
        coordinates=args.coordinates,
        parsed=getattr(args, 'parsed', PARSED),
        limit=args.limit,
        give_up_after=args.give_up_after,
    )


def run_requests(
    args: argparse.Namespace,
    stages: Sequence[str],
    objects: Optional[DetectedObjects],
    backend: Optional[Backend],
) -> Tuple[bool, Optional[str]]:
    """Run request stages, by ray without a backend.

    Returns:
        Tuple[bool, str | None]: Whether every stage has answers, and an error
        message if some failed.
    """
    config = ask_config(args, stages)
    if backend is None:
        from clhoi_mm.teacher.backends.ray_engine import run_on_ray

        reports = run_on_ray(config, args.workers, args.gpus_per_worker)
    else:
        reports = config.run_shard(backend, args.shard, objects=objects)
        images = ImageSource(args.images, args.image_root)
        for note in (
            *backend.notes,
            *note_unused(images, backend),
            *backend.note_outdated(args.out),
        ):
            print(note)
    num_requests = sum(
        report.done + report.known + report.num_failed + report.left
        for report in reports
    )
    if 'locate' in stages and not num_requests:
        print('locate: no label has a choice of pairs')
    elif args.shard.count == 1 and not num_requests:
        raise ValueError(
            f'{args.images}: there is no image in it'
            + (
                f', or those of --limit have no person in {args.objects}'
                if args.limit and objects is not None
                else ''
            )
        )
    return print_reports(reports, args.out, config.load_vocabulary())


def print_reports(
    reports: List[JobReport], out: str, vocabulary: Optional[HOIVocabulary]
) -> Tuple[bool, Optional[str]]:
    """Print the reports; return as :func:`run_requests`."""
    for report in reports:
        print('\n'.join(report.lines(vocabulary)))
    if any(report.num_failed for report in reports):
        print(f'  reasons: {os.path.join(out, "failures")}')
    for report in reports:
        if report.is_empty:
            return False, (
                f'stage "{report.stage}": all {report.num_failed} requests '
                f'failed, most of them by {report.main_failure}'
            )
    to_repeat = sum(report.num_to_repeat for report in reports)
    return not any(report.gave_up for report in reports), (
        f'{to_repeat} requests failed; run the same command again to '
        f'request their answers'
        if to_repeat
        else None
    )


def work_offline(
    args: argparse.Namespace,
    stage: str,
    folder: str,
    objects: Optional[DetectedObjects],
) -> None:
    """Run one of the stages parse, embed and pack."""
    vocabulary = HOIVocabulary.load(args.vocab)
    if stage == 'parse':
        if args.command == 'parse':
            out, options = args.out, read_parse_options(args, vocabulary)
            folder = args.raw
        else:
            out, options = (
                Path(folder, args.parsed),
                dict(
                    objects=objects,
                    workers=args.parse_workers,
                ),
            )
        print(parse_pass(folder, vocabulary, out, **options))
    elif stage == 'embed':
        new = embed_pass(
            folder,
            vocabulary,
            args.text_encoder,
            args.parsed,
            whole_captions=args.whole_captions,
        )
        print(f'embed: {new} new texts')
    else:
        pack_pass(
            folder,
            vocabulary,
            args.text_encoder,
            args.parsed,
            whole_captions=args.whole_captions,
        )
        manifest = TeacherCache(folder).manifest
        print(
            'pack: '
            + ', '.join(
                f'{number} {name.replace("_", " ")}'
                for name, number in manifest['counts'].items()
            )
        )
        if manifest['caption_cosine'] is not None:
            print(
                f'captions kept as sums of their sentences; mean cosine to '
                f'their own vectors {manifest["caption_cosine"]:.4f} '
                f'(--whole-captions keeps these)'
            )
        print(f'written to {os.path.abspath(folder)}')


def agree(args: argparse.Namespace) -> None:
    """Join teachers' pseudo-labels, and print statistics."""
    vocabulary = HOIVocabulary.load(args.vocab)
    print(
        unite_teachers(
            args.folders,
            args.out,
            vocabulary,
            args.min_teachers,
            args.parsed,
            args.equal_scores,
        )
    )
    print(f'written to {os.path.abspath(args.out)}; the stage pack is next')


def report(folder: str, vocab: Optional[str]) -> None:
    """Print the report of all shards and runs."""
    vocabulary = HOIVocabulary.load(vocab) if vocab else None
    for stage in report_folder(folder):
        print('\n'.join(stage.lines(vocabulary)))


def warn_of_missing_parser() -> None:
    """Warn of missing libraries before captions are requested."""
    try:
        find_model()
    except ImportError as error:
        print(f'annotate.py: warning: {error}', file=sys.stderr)


def run(args: argparse.Namespace) -> int:
    if args.command == 'report':
        report(args.out, args.vocab)
        return 0
    if args.command == 'agree':
        agree(args)
        return 0
    wanted = [args.command]
    if args.command == 'run':
        default = ['describe'] if args.backend == 'captions' else REQUESTED
        wanted = args.stages or [*default, *OFFLINE]
    # In this order: each stage needs the previous one's output.
    stages = [stage for stage in (*STAGES, *OFFLINE) if stage in wanted]
    requesting = [stage for stage in stages if stage in STAGES]
    if requesting and args.shard.count > 1 and len(requesting) < len(stages):
        raise ValueError(
            '--shard: a shard alone cannot be packed; leave '
            'parse, embed and pack out of --stages and run them '
            'once when all shards are done'
        )
    if requesting == ['describe'] and 'parse' in stages:
        warn_of_missing_parser()
    failed = run_stages(args, stages, requesting)
    if failed:
        raise RuntimeError(failed)
    return 0


def run_stages(
    args: argparse.Namespace, stages: List[str], requesting: List[str]
) -> Optional[str]:
    """Run stages in order with one backend.

    Returns:
        str, optional: Error message if requests failed.
    """
    for module in getattr(args, 'imports', ()):
        importlib.import_module(module)
    objects, backend, failures = None, None, []
    if requesting:
        objects = read_objects(args, stages)
        if args.engine != 'ray':
            backend = ask_config(args, requesting).build_backend()
    for requested, offline in in_rounds(stages):
        if requested:
            complete, failed = run_requests(args, requested, objects, backend)
            failures += [failed] if failed else []
            if not complete:
                raise RuntimeError(failed)
        for stage in offline:
            work_offline(args, stage, args.out, objects)
    return failures[0] if failures else None


def in_rounds(stages: List[str]) -> List[Tuple[List[str], List[str]]]:
    """Group stages into rounds of request stages, then offline stages.

    The stage locate needs parsed labels, and its answers are parsed again.
    """
    requested = [stage for stage in stages if stage in STAGES]
    offline = [stage for stage in stages if stage in OFFLINE]
    if 'locate' not in stages:
        return [(requested, offline)]
    return [
        (
            [stage for stage in requested if stage != 'locate'],
            [stage for stage in offline if stage == 'parse'],
        ),
        (['locate'], offline),
    ]


def main() -> int:
    try:
        return run(parse_args())
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        ImportError,
        RuntimeError,
    ) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        print(f'annotate.py: {message}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
