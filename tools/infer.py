"""Detect interactions in images and videos."""

import argparse
import sys
import time
from collections import Counter
from math import floor
from statistics import median

from clhoi_mm.config_file import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'inputs',
        nargs='+',
        help='images, videos, folders, or glob patterns in quotes',
    )
    parser.add_argument(
        '--weights', required=True, help='checkpoint of tools/train.py'
    )
    parser.add_argument(
        '--model',
        help='path or name of a config (default: the one in the checkpoint)',
    )
    parser.add_argument(
        '--out-dir',
        required=True,
        help='folder for preds/NAME.json and vis/NAME.jpg, of videos '
        'preds/NAME.jsonl and vis/NAME.mp4',
    )
    parser.add_argument(
        '--device', help='cuda:0 or cpu (default: a GPU if there is one)'
    )
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument(
        '--fast',
        action='store_true',
        help="the detector's backbone in bfloat16: faster, not equal, see "
        'docs/speed.md',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.0,
        help='minimum score of written predictions (default 0)',
    )
    parser.add_argument(
        '--pred-score-thr',
        type=float,
        help='minimum score of drawn predictions (default 0.3; 0.5 for a '
        'model with calibrated scores)',
    )
    parser.add_argument(
        '--top-k', type=int, help='maximum number of interactions per image'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='only these classes ("ride horse"), verbs or objects',
    )
    parser.add_argument(
        '--vocabulary',
        nargs='+',
        metavar='PHRASE',
        help='phrases to detect instead: "groom horse" "a man feeding a dog"',
    )
    parser.add_argument(
        '--no-save-vis', action='store_true', help='write no pictures'
    )
    parser.add_argument(
        '--no-save-pred', action='store_true', help='write no JSON'
    )
    parser.add_argument(
        '--frame-step',
        type=int,
        default=1,
        help='use every n-th frame of videos (default 1)',
    )
    parser.add_argument(
        '--no-track',
        dest='track',
        action='store_false',
        help='process each frame of a video as an image: no tracking, no '
        'smoothing, and a picture and a JSON file for each',
    )
    parser.add_argument(
        '--attention',
        type=int,
        default=0,
        metavar='N',
        help='draw the attention to the context for the N best pairs of an '
        'image (not in tracked videos)',
    )
    parser.add_argument(
        '--bad-images',
        choices=['skip', 'error'],
        default='skip',
        help='handling of images and videos that cannot be read '
        '(default skip; the exit code is 1 all the same)',
    )
    parser.add_argument(
        '--orientation',
        choices=['upright', 'stored'],
        default='upright',
        help='upright applies the EXIF orientation of photos; stored does '
        'not, as for annotated data sets (default upright)',
    )
    add_cfg_options(parser)
    return parser.parse_args()


def print_failures(failed: Counter) -> None:
    """Print the errors of unreadable inputs, the most frequent first."""
    if failed:
        print(
            f'{len(failed)} images or videos could not be read, or not whole:'
        )
    for reason, count in failed.most_common(20):
        times = f' ({count} times)' if count > 1 else ''
        print(f'  {reason}{times}')
    if len(failed) > 20:
        print('  ...')


def main() -> None:
    args = parse_args()
    from clhoi_mm.allocator import configure_glibc_malloc
    from clhoi_mm.threads import warn_of_busy_cores

    configure_glibc_malloc()
    warn_of_busy_cores()
    from clhoi_mm.apis import HOIInferencer

    options = {
        key: value
        for key, value in vars(args).items()
        if key
        not in (
            'inputs',
            'weights',
            'model',
            'device',
            'cfg_options',
            'fast',
            'orientation',
        )
    }
    images = interactions = frames = 0
    failed: Counter = Counter()
    below = []
    try:
        inferencer = HOIInferencer(
            args.model,
            args.weights,
            args.device,
            args.cfg_options,
            fast=args.fast,
            orientation=args.orientation,
        )
        threshold = args.pred_score_thr
        if threshold is None:
            threshold = inferencer.default_score_thr
        start = time.perf_counter()
        for result in inferencer.stream(args.inputs, **options):
            if result.error is not None:
                failed[result.error] += 1
                continue
            images += 1
            frames += 'frame' in result.prediction
            scores = result.prediction['hois']['scores']
            shown = sum(s >= threshold for s in scores)
            interactions += shown
            if scores and not shown:
                below.append(max(scores))
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f'infer.py: {error}')
    seconds = time.perf_counter() - start
    print(
        f'{images} images, {interactions} interactions with a score of '
        f'{threshold:g} or more, in {args.out_dir}'
    )
    if below:
        half = floor(median(below) * 1000) / 1000
        print(
            f'{len(below)} of them show nothing: their best scores are '
            f'{min(below):.3f} to {max(below):.3f}; --pred-score-thr '
            f'{half:g} would draw something in half of these'
        )
    if frames:
        print(f'{frames} of these are frames of videos')
    if images:
        print(
            f'{images / seconds:.1f} images a second, '
            f'{seconds / images:.3f} s per image, with reading, drawing and '
            'writing'
        )
    print_failures(failed)
    if failed or not images:
        sys.exit(1)


if __name__ == '__main__':
    main()
