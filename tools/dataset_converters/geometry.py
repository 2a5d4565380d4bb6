"""Make a data set of boxes without images.

`split` takes an annotation file in the project's format and writes
annotations/{train,val,test}.json: the CRC-32 of an image's name modulo 100
determines its split (below 60, below 70, the rest); --single writes all to
annotations/all.json, for studies that divide them into folds. Images with an
annotated pair and 1 to 200 candidate pairs, near-duplicate boxes merged, are
kept.

`holdout` takes the annotation files of official training and test splits and
holds a tenth of the training images (CRC-32 of the name modulo 100 below 10)
out for validation. Training images are selected as by `split`; validation and
test keep all images and all their candidate pairs.

`teacher` writes a simulated teacher's cache for one of these files:
image-level pseudo-labels with a given precision and recall, half of the errors
systematic, or with the kinds of errors of real VLLMs (--preset measured). The
same arguments write the same bytes.

`rare` writes the labels of the rarest classes of one of these files, to be
held out of training.
"""

import argparse
import json
import os
from typing import Dict, Tuple

from clhoi_mm.annotations.geometry_file import SplitReport
from clhoi_mm.annotations.geometry_split import hold_out, split_geometry
from clhoi_mm.annotations.rare_combinations import rare_combinations
from clhoi_mm.teacher import PRESETS
from clhoi_mm.teacher.simulation.options import add_teacher_options
from clhoi_mm.teacher.text_encoders.option import add_text_encoder_option
from clhoi_mm.utils.files import atomic_path


def fold(text: str) -> Tuple[int, int]:
    k, number = map(int, text.split('/'))
    return k, number


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('ann', help="annotation file in the project's format")
    common.add_argument(
        '--vocabulary',
        default='hico_det',
        help='hico_det, v_coco, mini or the path of a vocabulary JSON '
        '(default: %(default)s)',
    )
    commands = parser.add_subparsers(dest='command', required=True)
    split = commands.add_parser(
        'split', parents=[common], help='three annotation files, or one'
    )
    split.add_argument('--out', required=True, help="the data set's folder")
    divided = split.add_mutually_exclusive_group()
    divided.add_argument(
        '--single',
        action='store_true',
        help='one file, annotations/all.json, in place of three',
    )
    divided.add_argument(
        '--fold',
        type=fold,
        metavar='K/N',
        help='for cross-validation: of N folds of the images outside the test '
        'split, the K-th (from 0) validates and the others train',
    )
    holdout = commands.add_parser(
        'holdout', parents=[common], help='validation images of a training set'
    )
    holdout.add_argument('test', help='annotation file of the test split')
    holdout.add_argument('--out', required=True, help="the data set's folder")
    teacher = commands.add_parser(
        'teacher', parents=[common], help='a cache of noisy pseudo-labels'
    )
    teacher.add_argument('--out', required=True, help='folder for the cache')
    teacher.add_argument(
        '--preset',
        choices=list(PRESETS),
        help='preset of precision and recall',
    )
    teacher.add_argument(
        '--precision', type=float, help='precision of the pseudo-labels'
    )
    teacher.add_argument(
        '--recall', type=float, help='recall of the pseudo-labels'
    )
    add_teacher_options(teacher, seed=1)
    teacher.add_argument(
        '--unite',
        type=int,
        default=1,
        metavar='N',
        help='unite the labels of N teachers from --teacher on, with the '
        'share that names a label as its score (default: 1)',
    )
    teacher.add_argument(
        '--min-teachers',
        type=int,
        default=1,
        help='leave out labels that fewer of them name (default: 1)',
    )
    teacher.add_argument(
        '--no-confuse',
        action='store_true',
        help='no systematic errors: all are independent; not for the preset '
        'measured',
    )
    add_text_encoder_option(teacher)
    rare = commands.add_parser(
        'rare', parents=[common], help='a zero-shot split'
    )
    rare.add_argument('--out', required=True, help='JSON list of labels')
    rare.add_argument(
        '--number', type=int, default=120, help='classes (default: 120)'
    )
    args = parser.parse_args()
    if args.command == 'teacher' and bool(args.preset) == (
        args.precision is not None or args.recall is not None
    ):
        teacher.error('give --preset, or --precision and --recall')
    if (
        args.command == 'teacher'
        and not args.preset
        and None in (args.precision, args.recall)
    ):
        teacher.error('--precision and --recall go together')
    if (
        args.command == 'teacher'
        and args.preset == 'measured'
        and args.no_confuse
    ):
        teacher.error('--no-confuse: not for the preset measured')
    return args


def split(args: argparse.Namespace) -> None:
    show(
        split_geometry(
            args.ann, args.out, args.vocabulary, True, args.fold, args.single
        )
    )


def holdout(args: argparse.Namespace) -> None:
    show(hold_out(args.ann, args.test, args.out, args.vocabulary, True))


def show(reports: Dict[str, SplitReport]) -> None:
    for name, report in reports.items():
        print(
            f'{name:6s}{report.images:6d} images {report.pairs:7d} candidate'
            f' pairs {report.hois:7d} annotated interactions  {report.path}'
        )


def teacher(args: argparse.Namespace) -> None:
    from clhoi_mm.teacher.simulation.latent_label_noise import LatentLabelNoise
    from clhoi_mm.teacher.simulation.noisy_labels import (
        LabelNoise,
        write_noisy_labels,
    )
    from clhoi_mm.teacher.simulation.random_label_noise import RandomLabelNoise
    from clhoi_mm.teacher.simulation.simulated_pointing import (
        SimulatedPointing,
    )
    from clhoi_mm.vocabulary import HOIVocabulary

    given = PRESETS[args.preset] if args.preset else args

    def make(number: int) -> LabelNoise:
        if args.preset and PRESETS[args.preset].errors:
            return LatentLabelNoise(
                PRESETS[args.preset], args.seed, number, args.shared_errors
            )
        return RandomLabelNoise(
            given.precision,
            given.recall,
            args.seed,
            not args.no_confuse,
            number,
            args.shared_errors or 0.0,
        )

    numbers = range(args.teacher, args.teacher + args.unite)
    pointing = None
    if args.pointing_accuracy is not None:
        pointing = SimulatedPointing(
            args.ann,
            HOIVocabulary.load(args.vocabulary),
            args.pointing_accuracy,
            args.seed,
            args.teacher,
        )
    report = write_noisy_labels(
        args.ann,
        args.vocabulary,
        args.out,
        [make(number) for number in numbers],
        args.text_encoder,
        True,
        args.min_teachers,
        pointing,
    )
    names = ', '.join(map(str, numbers))
    print(f'{report.images} images, seed {args.seed}, teacher {names}')
    asked = 'asked for' if len(numbers) == 1 else 'each asked for'
    print(
        f'precision      {report.precision:.4f}  ({asked} {given.precision})'
    )
    print(f'recall         {report.recall:.4f}  ({asked} {given.recall})')
    print(
        f'false labels   {100 * report.other_verb:.0f} % name another verb of '
        f'an object in an interaction, {100 * report.unused_object:.0f} % an '
        f'object in none, {100 * report.absent_object:.0f} % an absent object'
    )
    print(
        'most frequent  '
        + ', '.join(f'{name} ({count})' for name, count in report.frequent)
    )
    for line in report.pointing_lines():
        print(line)
    print(f'written to     {os.path.abspath(args.out)}')


def rare(args: argparse.Namespace) -> None:
    labels = rare_combinations(args.ann, args.number, args.vocabulary)
    with atomic_path(args.out) as path:
        path.write_text(json.dumps(labels) + '\n')
    print(f'{len(labels)} classes, written to {os.path.abspath(args.out)}')


def main() -> None:
    args = parse_args()
    try:
        dict(split=split, holdout=holdout, teacher=teacher, rare=rare)[
            args.command
        ](args)
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f'geometry.py: {error}') from None


if __name__ == '__main__':
    main()
