"""Options of the tools that simulate a teacher."""

import argparse


def add_teacher_options(parser: argparse.ArgumentParser, seed: int) -> None:
    """Add what determines a teacher's random draws, and pointing.

    Args:
        parser (ArgumentParser): Parser of a command.
        seed (int): Default of ``--seed``.
    """
    parser.add_argument(
        '--seed',
        type=int,
        default=seed,
        help='seed of all teachers (default: %(default)s)',
    )
    parser.add_argument(
        '--teacher',
        type=int,
        default=0,
        metavar='N',
        help='number of the teacher, from 0; teachers of one seed differ '
        '(default: 0)',
    )
    parser.add_argument(
        '--shared-errors',
        type=float,
        metavar='SHARE',
        help='share of the random draws that all teachers of the seed have in '
        'common, 0 to 1 (default: as measured for the preset measured, 0 for '
        'others)',
    )
    parser.add_argument(
        '--pointing-accuracy',
        type=float,
        metavar='A',
        help='the teacher also points at pairs, at the right one with this '
        'probability (default: it does not)',
    )
