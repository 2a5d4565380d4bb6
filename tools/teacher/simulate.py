"""Write a simulated VLLM's raw answers and cache.

The answers are image-level, with the preset's noise; captions are written from
the noisy list of interactions, never from the truth. The same arguments write
the same bytes.
"""

import argparse
import os

from clhoi_mm.teacher import (
    PRESETS,
    SimulatedTeacher,
    read_image_labels,
    simulate_cache,
)
from clhoi_mm.teacher.simulation.agreement import measure_agreement
from clhoi_mm.teacher.simulation.options import add_teacher_options
from clhoi_mm.teacher.text_encoders.option import add_text_encoder_option
from clhoi_mm.vocabulary import HOIVocabulary


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--ann', required=True, help="annotation file in the project's format"
    )
    parser.add_argument(
        '--vocabulary',
        required=True,
        help='hico_det, v_coco, mini or the path of a vocabulary JSON',
    )
    parser.add_argument(
        '--preset',
        default='typical',
        choices=list(PRESETS),
        help='how good the VLLM is (default typical)',
    )
    parser.add_argument(
        '--out', required=True, help='folder for raw.jsonl and the cache'
    )
    add_teacher_options(parser, seed=0)
    parser.add_argument(
        '--agreement',
        type=int,
        default=0,
        metavar='N',
        help='also draw the teachers 0 to N - 1 and print their agreement',
    )
    add_text_encoder_option(parser)
    args = parser.parse_args()
    if args.agreement < 0:
        parser.error('--agreement: at least 0')
    return args


def main() -> None:
    args = parse_args()
    try:
        report = simulate_cache(
            args.ann,
            args.vocabulary,
            args.out,
            preset=args.preset,
            seed=args.seed,
            text_encoder=args.text_encoder,
            progress=True,
            teacher=args.teacher,
            shared_errors=args.shared_errors,
            pointing_accuracy=args.pointing_accuracy,
        )
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f'simulate.py: {error}') from None
    target = PRESETS[args.preset]
    print(
        f'{report.images} images, preset {args.preset}, seed {args.seed}, '
        f'teacher {args.teacher}'
    )
    print(
        f'precision      {report.precision:.3f}  '
        f'(preset {target.precision:.2f})'
    )
    print(f'recall         {report.recall:.3f}  (preset {target.recall:.2f})')
    print(
        f'labels         {report.labels:.2f} per image, none for '
        f'{100 * report.unlabeled:.0f} % of the images'
    )
    print(
        f'false labels   {100 * report.other_verb:.0f} % name another verb of '
        f'an object in an interaction, {100 * report.unused_object:.0f} % an '
        f'object in none, {100 * report.absent_object:.0f} % an absent object'
    )
    print(
        f'AP of scores   {report.ap:.3f}  over all (image, class) pairs; '
        f'{report.mean_ap:.3f} class by class'
    )
    print(f'malformed      {100 * report.malformed:.1f} % of the answers')
    print(
        'most frequent  '
        + ', '.join(f'{name} ({count})' for name, count in report.frequent)
    )
    for line in report.pointing_lines():
        print(line)
    print(f'written to     {os.path.abspath(args.out)}')
    if args.agreement:
        print_agreement(args)


def print_agreement(args: argparse.Namespace) -> None:
    """Print the agreement of several teachers of the same seed."""
    vocabulary = HOIVocabulary.load(args.vocabulary)
    images = read_image_labels(args.ann, vocabulary)
    teachers = []
    for number in range(args.agreement):
        teacher = SimulatedTeacher(
            images,
            vocabulary,
            args.preset,
            args.seed,
            number,
            args.shared_errors,
        )
        teachers.append([list(teacher.scores(image)) for image in images])
    result = measure_agreement(images, teachers, vocabulary.num_hois)
    print(f'agreement of {args.agreement} teachers')
    for i, row in enumerate(zip(result.precision, result.recall), 1):
        print(
            f'  named by at least {i}: precision {row[0]:.2f}, '
            f'recall {row[1]:.2f}'
        )
    print(
        f'  another teacher repeats {100 * result.repeated_true:.0f} % of the '
        f'true and {100 * result.repeated_false:.0f} % of the false labels'
    )


if __name__ == '__main__':
    main()
