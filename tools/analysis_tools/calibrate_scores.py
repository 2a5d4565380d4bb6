"""Fit a calibration of scores, and show their reliability.

A calibrated score is the probability that a prediction is correct. Reads
predictions of `tools/test.py --out preds.npz` on images not used in training;
needs neither torch nor mmdet.
"""

import argparse
from typing import Optional, Tuple

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import (
    Predictions,
    Reliability,
    ScoreCalibration,
    hico_det_ground_truth,
    right_pairs,
    right_roles,
    v_coco_ground_truth,
)
from clhoi_mm.utils.files import atomic_path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--ann', required=True, help='annotation file (JSON)')
    parser.add_argument('--pred', required=True, help='predictions (.npz)')
    parser.add_argument(
        '--metric',
        choices=['hico_det', 'v_coco'],
        default='hico_det',
        help='metric of correctness (default: hico_det)',
    )
    parser.add_argument(
        '--check-ann',
        help='annotations of other images, to show the calibration on',
    )
    parser.add_argument('--check-pred', help='predictions on them')
    parser.add_argument(
        '--bins', type=int, default=10, help='bins of scores (default: 10)'
    )
    parser.add_argument('--out', help='reliability plot (.svg, .png)')
    return parser.parse_args()


def read(ann: str, pred: str, metric: str) -> Tuple[np.ndarray, np.ndarray]:
    """Read scores and the correctness of predictions."""
    annotations, predictions = AnnotationFile.read(ann), Predictions.read(pred)
    for line in predictions.match_images(annotations).lines():
        print(f'attention: {line}')
    if metric == 'v_coco':
        truth, actions = v_coco_ground_truth(annotations)
        roles = predictions.roles(annotations)
        scores, is_right = right_roles(truth, roles, actions)
    else:
        gt, _ = hico_det_ground_truth(annotations)
        scores, is_right = right_pairs(
            gt, predictions.pairs(annotations), len(annotations.hoi_verbs)
        )
    outside = (scores < 0) | (scores > 1)
    if outside.any():
        raise ValueError(
            f'{pred}: {outside.sum()} scores are not between 0 and 1, so that '
            'they cannot be calibrated'
        )
    return scores, is_right


def print_tables(before: Reliability, after: Reliability) -> None:
    """Print both tables side by side, highest scores first."""
    print(f'{"":<12}{"as predicted":^30}{"calibrated":^30}')
    heads = ('number', 'score', 'right')
    print(f'{"score":<12}' + ''.join(f'{h:>10}' for h in heads) * 2)
    for i in range(len(before.counts))[::-1]:
        low, high = before.edges[i : i + 2]
        line = f'{low:.2f}-{high:.2f}  '.ljust(12)
        for table in (before, after):
            line += f'{table.counts[i]:10d}'
            if table.counts[i]:
                line += (
                    f'{table.mean_scores[i]:10.3f}'
                    f'{table.shares_right[i]:10.3f}'
                )
            else:
                line += ' ' * 20
        print(line)
    print(
        f'expected calibration error: {before.error:.4f}, '
        f'calibrated {after.error:.4f}'
    )


def draw(path: str, before: Reliability, after: Reliability) -> None:
    """Plot the share of right predictions against scores."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 4.5), layout='constrained')
    axes.plot([0, 1], [0, 1], color='0.6', linestyle=':', label='ideal')
    for table, title in ((before, 'as predicted'), (after, 'calibrated')):
        axes.plot(
            table.mean_scores,
            table.shares_right,
            marker='o',
            label=f'{title} (error {table.error:.3f})',
        )
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel='mean score',
        ylabel='share of right predictions',
    )
    axes.legend()
    with atomic_path(path) as partial:
        figure.savefig(partial, format=path.rpartition('.')[2])
    plt.close(figure)


def calibrate(args: argparse.Namespace) -> None:
    scores, is_right = read(args.ann, args.pred, args.metric)
    calibration = ScoreCalibration.fit(scores, is_right)
    print(
        f'{is_right.sum()} of {len(scores)} predictions are right. '
        'For the config:\n'
        "model = dict(calibration=dict(type='PlattScaling', "
        f'scale={calibration.scale:.4f}, bias={calibration.bias:.4f}))\n'
    )
    if args.check_ann:
        print(f'on {args.check_pred}:')
        scores, is_right = read(args.check_ann, args.check_pred, args.metric)
    before = Reliability.of(scores, is_right, args.bins)
    after = Reliability.of(calibration(scores), is_right, args.bins)
    print_tables(before, after)
    if args.out:
        draw(args.out, before, after)


def option_error(args: argparse.Namespace) -> Optional[str]:
    """Return an error message for invalid options."""
    if bool(args.check_ann) != bool(args.check_pred):
        return '--check-ann and --check-pred belong together'
    if args.bins < 1:
        return f'--bins {args.bins} must be at least 1'
    if args.out and not args.out.lower().endswith(('.svg', '.png', '.pdf')):
        return f'--out {args.out} must end with .svg, .png or .pdf'
    return None


def main() -> None:
    args = parse_args()
    message = option_error(args)
    if message:
        raise SystemExit(message)
    try:
        calibrate(args)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error


if __name__ == '__main__':
    main()
