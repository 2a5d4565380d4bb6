"""Generate the mini world: images, annotations and pseudo-labels."""

import argparse
import sys
from pathlib import Path

from clhoi_mm.teacher.simulation.presets import PRESETS
from clhoi_mm.teacher.simulation.simulate import simulate_cache

try:
    from mini_world import MiniWorldGenerator
except ImportError as error:
    sys.exit(
        f'make_mini.py: {error}: the world is drawn with OpenCV; pip install '
        'opencv-python-headless'
    )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('data/mini'),
        help='folder to write to (default: %(default)s)',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='random seed of reproducible files (default: %(default)s)',
    )
    parser.add_argument(
        '--num-train',
        type=int,
        default=1200,
        help='images for training (default: %(default)s)',
    )
    parser.add_argument(
        '--num-val',
        type=int,
        default=450,
        help='images for validation (default: %(default)s)',
    )
    parser.add_argument(
        '--num-test',
        type=int,
        default=450,
        help='images for the test; splits do not share backgrounds (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--teacher',
        nargs='*',
        choices=list(PRESETS),
        default=['typical'],
        metavar='PRESET',
        help='noise presets of the simulated teachers whose pseudo-labels of '
        f'training images are written, of {", ".join(PRESETS)}; none when '
        'empty (default: typical)',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=2,
        help='processes; the result is the same for any number '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--force', action='store_true', help='draw existing images again'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    sizes = dict(train=args.num_train, val=args.num_val, test=args.num_test)
    try:
        generator = MiniWorldGenerator(
            args.out, args.seed, sizes, args.workers
        )
    except ValueError as error:
        sys.exit(f'make_mini: {error}')
    digest = None if args.force else generator.existing_hash()
    if digest is None:
        digest = generator.generate()
    else:
        print(f'{args.out}: images and annotations exist')
    print(f'annotations of seed {args.seed}, sha256 {digest}')
    for preset in args.teacher:
        cache = args.out / 'teacher' / f'train_{preset}'
        report = simulate_cache(
            generator.annotation_file('train'),
            generator.vocabulary,
            cache,
            preset,
            args.seed,
            progress=True,
        )
        print(
            f'{cache}: teacher {preset}, precision '
            f'{report.precision:.2f}, recall {report.recall:.2f}, '
            f'mean AP {100 * report.mean_ap:.1f}'
        )


if __name__ == '__main__':
    main()
