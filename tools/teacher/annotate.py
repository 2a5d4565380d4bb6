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

from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.ask_config import AskConfig
from clhoi_mm.teacher.backends import BACKENDS, Backend
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
from clhoi_mm.teacher.requests.box_convention import CONVENTIONS
from clhoi_mm.teacher.requests.detected_objects import (
    DetectedObjects,
    read_detected_objects,
)
from clhoi_mm.teacher.requests.images import ImageSource
from clhoi_mm.teacher.requests.locate_scene import STYLES
from clhoi_mm.teacher.requests.request_builder import STAGES
from clhoi_mm.teacher.requests.shards import Shard
from clhoi_mm.teacher.store.agreement import unite_teachers
from clhoi_mm.vocabulary import HOIVocabulary

REQUESTED = ('describe', 'list')
OFFLINE = ('parse', 'embed', 'pack')
_NEED_OBJECTS = {'list', 'score', 'parse', 'locate'}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest='command', required=True)
    for stage in STAGES:
        command = commands.add_parser(stage, help=f'requests: {stage}')
        _add_vocab(command, required=stage != 'describe')
        _add_requesting(command)
        if stage == 'locate':
            _add_parsed(command)
    command = commands.add_parser('run', help='several stages in a row')
    _add_vocab(command, required=True)
    _add_requesting(command)
    command.add_argument(
        '--stages',
        nargs='+',
        choices=[*STAGES, *OFFLINE],
        help=f'default: what the backend can answer of describe and list, '
        f'then {" ".join(OFFLINE)}; with locate, parse runs before and after',
    )
    command.add_argument(
        '--parse-workers',
        type=int,
        default=1,
        help='processes that parse (default %(default)s)',
    )
    _add_packing(command)
    command = commands.add_parser('parse', help='text to interactions')
    _add_vocab(command, required=True)
    command.add_argument(
        '--raw',
        required=True,
        help="a teacher job's folder, or a JSONL file of raw answers "
        '{image_id, kind, text}',
    )
    command.add_argument(
        '--out',
        help='.jsonl or .parquet file (default: parsed.parquet in the folder)',
    )
    _add_parsing(command)
    for stage in ('embed', 'pack'):
        command = commands.add_parser(
            stage,
            help='texts to vectors'
            if stage == 'embed'
            else 'the training cache',
        )
        _add_vocab(command, required=True)
        _add_packing(command)
        _add_imports(command)
        command.add_argument('--out', required=True, help="the job's folder")
    command = commands.add_parser(
        'agree', help='several teachers, with agreement as score'
    )
    command.add_argument('folders', nargs='+', help="each teacher's folder")
    _add_vocab(command, required=True)
    command.add_argument(
        '--min-teachers',
        type=int,
        default=2,
        help='leave out interactions that fewer of them name '
        '(default %(default)s)',
    )
    command.add_argument(
        '--equal-scores',
        action='store_true',
        help='the score of all is 1 (default: the share of the teachers)',
    )
    _add_parsed(command)
    command.add_argument('--out', required=True, help='a folder of its own')
    command = commands.add_parser(
        'report', help='progress of a folder over all shards and runs'
    )
    _add_vocab(command, required=False)
    command.add_argument('--out', required=True, help="the job's folder")
    return parser.parse_args()


def _add_vocab(command: argparse.ArgumentParser, required: bool) -> None:
    command.add_argument(
        '--vocab',
        required=required,
        help='hico_det, v_coco, mini or the path of a vocabulary JSON',
    )


def _add_parsing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--objects',
        help='detected objects (JSONL {image_id, objects} or COCO JSON);'
        ' interactions with other objects are left out',
    )
    parser.add_argument(
        '--min-score',
        type=float,
        default=0.5,
        help='probability from which a scored candidate counts that no '
        'other answer names (default %(default)s)',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=1,
        help='processes that parse (default %(default)s)',
    )
    parser.add_argument(
        '--keep-ruled-out',
        action='store_true',
        help='also write pairs whose verb and object the vocabulary knows '
        'but never together',
    )


def _add_parsed(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        '--parsed',
        default=PARSED,
        help="name of the parsed layer in the job's folder; .jsonl needs no "
        'pyarrow (default %(default)s)',
    )


def _add_packing(command: argparse.ArgumentParser) -> None:
    _add_parsed(command)
    command.add_argument(
        '--text-encoder',
        default='openai/clip-vit-base-patch32',
        metavar='hashed[:DIM]|PATH|siglip:PATH|sentence:PATH|JSON',
        help="'hashed', 256 wide unless DIM is given; a folder or hub id of "
        'CLIP, with a prefix of SigLIP or a sentence-transformers model; or '
        "an encoder's config as JSON (default %(default)s)",
    )
    command.add_argument(
        '--whole-captions',
        action='store_true',
        help="keep each caption's own embedding (default: the sum of its "
        'sentences that is nearest to it, which needs no space)',
    )


def _add_imports(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        '--import',
        dest='imports',
        nargs='+',
        default=[],
        metavar='MODULE',
        help='Python modules that register backends or text encoders',
    )


def _add_requesting(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        '--images',
        required=True,
        help='a folder, a .txt list, a .parquet, or a COCO .json',
    )
    add(
        '--image-root',
        help="what a list's paths, or the keys of a folder's images, are "
        'relative to (default: its folder, or the folder itself)',
    )
    add(
        '--orientation',
        choices=['upright', 'stored'],
        help='apply the EXIF orientation, or read images as stored, which is '
        "what annotated data sets' boxes refer to (default: "
        'stored for a COCO .json, else upright)',
    )
    add('--out', required=True, help="the job's folder")
    add(
        '--backend',
        required=True,
        help=f'{", ".join(BACKENDS.names())}, or one that --import registers',
    )
    add(
        '--captions',
        help='of the backend captions: COCO captions (.json), or records '
        'with image and caption (.json, .jsonl, .csv, .tsv, .parquet)',
    )
    add('--model', help='a folder, a hub id, or its name at the endpoint')
    add(
        '--options',
        nargs='+',
        default=[],
        metavar='NAME=VALUE',
        help="the backend's other arguments, for example concurrency=32; "
        'values are JSON, else text',
    )
    _add_imports(command)
    add(
        '--objects',
        help='detected objects: JSONL {image_id, objects}, a COCO .json, '
        'or what cache_detections.py wrote (default: every object may be '
        'there)',
    )
    add(
        '--min-object-score',
        type=float,
        default=0.3,
        help='detections below it are skipped (default %(default)s)',
    )
    add('--prompts', help='prompt file (default: by the vocabulary)')
    add('--max-tokens', type=int, default=512, help='limit of an answer')
    add(
        '--max-candidates',
        type=int,
        default=64,
        help='candidates to score in an image at most (default %(default)s)',
    )
    add(
        '--style',
        choices=STYLES,
        default='boxes',
        help='locate: the model answers with boxes, or with numbers of marks '
        'that are drawn on the image (default %(default)s)',
    )
    add(
        '--coordinates',
        choices=CONVENTIONS,
        help='locate: how the model writes boxes (default: by its name, '
        'where it is known)',
    )
    add(
        '--shard',
        type=Shard.parse,
        default=Shard(),
        metavar='i/n',
        help='part of the images for this process',
    )
    add(
        '--limit',
        type=int,
        default=0,
        help='maximum number of images (default: all)',
    )
    add(
        '--give-up-after',
        type=int,
        default=100,
        help='failures in a row that end the run (default %(default)s)',
    )
    add(
        '--engine',
        choices=('local', 'ray'),
        default='local',
        help='ray: shards on a cluster that sees the same folders',
    )
    add(
        '--workers',
        type=int,
        default=2,
        help='processes of the engine ray (default %(default)s)',
    )
    add(
        '--gpus-per-worker',
        type=float,
        default=0,
        help='of the engine ray (default %(default)s)',
    )


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
