"""Command line of annotate.py."""

import argparse

from clhoi_mm.teacher.backends import BACKENDS
from clhoi_mm.teacher.offline_stages import PARSED
from clhoi_mm.teacher.requests.box_convention import CONVENTIONS
from clhoi_mm.teacher.requests.locate_scene import STYLES
from clhoi_mm.teacher.requests.request_builder import STAGES
from clhoi_mm.teacher.requests.shards import Shard
from clhoi_mm.teacher.text_encoders.option import add_text_encoder_option

OFFLINE = ('parse', 'embed', 'pack')


def make_parser(description: str) -> argparse.ArgumentParser:
    """Make the parser of all commands and their options."""
    parser = argparse.ArgumentParser(
        description=description,
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
    return parser


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
    add_text_encoder_option(command, 'openai/clip-vit-base-patch32')
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
        nargs='+',
        metavar='FILE',
        help='of the backend captions: COCO captions (.json), or records '
        'with image and caption (.json, .jsonl, .csv, .tsv, .parquet); an '
        'image has the captions of all files',
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
