"""Write a simulated VLLM's raw answers and cache.

The answers are image-level, with the preset's noise; captions are written from
the noisy list of interactions, never from the truth. The same arguments write
the same bytes.
"""

import argparse
import os

from clhoi_mm.teacher import PRESETS, simulate_cache


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
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--text-encoder',
        default='hashed',
        metavar='hashed[:DIM]|PATH|siglip:PATH|sentence:PATH|JSON',
        help="'hashed' (default), 256 wide unless DIM is given; a folder or "
        'hub id of CLIP, with a prefix of SigLIP or a sentence-transformers '
        "model; or an encoder's config as JSON",
    )
    return parser.parse_args()


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
        )
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f'simulate.py: {error}') from None
    target = PRESETS[args.preset]
    print(f'{report.images} images, preset {args.preset}, seed {args.seed}')
    print(
        f'precision      {report.precision:.3f}  '
        f'(preset {target.precision:.2f})'
    )
    print(f'recall         {report.recall:.3f}  (preset {target.recall:.2f})')
    print(
        f'AP of scores   {report.ap:.3f}  over all (image, class) pairs; '
        f'{report.mean_ap:.3f} class by class'
    )
    print(f'malformed      {100 * report.malformed:.1f} % of the answers')
    print(
        'most frequent  '
        + ', '.join(f'{name} ({count})' for name, count in report.frequent)
    )
    print(f'written to     {os.path.abspath(args.out)}')


if __name__ == '__main__':
    main()
