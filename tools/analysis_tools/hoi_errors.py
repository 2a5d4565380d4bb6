"""Report the cost of a detector's error types.

V-COCO's classes are its 24 roles.

Reads predictions of `tools/test.py --out preds.npz`; needs neither torch nor
mmdet.
"""

import argparse
import csv
import json
import os.path as osp
from typing import List, Sequence, Tuple

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import (
    HICO_DET_PROTOCOLS,
    REASONS,
    V_COCO_REASONS,
    ErrorReport,
    Predictions,
    classify_errors,
    classify_v_coco_errors,
    hico_det_ground_truth,
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
        '--protocol',
        choices=list(HICO_DET_PROTOCOLS),
        default='official',
        help='evaluator to follow; hico_det only (default: official)',
    )
    parser.add_argument(
        '--scenario',
        type=int,
        choices=[1, 2],
        default=1,
        help='for a missing role, the predicted box must be empty (1), or may '
        'be any (2); v_coco only (default: 1)',
    )
    parser.add_argument(
        '--out', help='folder for errors.png, errors.json and classes.csv'
    )
    parser.add_argument(
        '--num-classes',
        type=int,
        default=10,
        help='best and worst classes to show (default: 10)',
    )
    return parser.parse_args()


def explain(args: argparse.Namespace) -> Tuple[ErrorReport, Sequence[str]]:
    """Analyze errors; return the report and class names."""
    annotations = AnnotationFile.read(args.ann)
    predictions = Predictions.read(args.pred)
    for line in predictions.match_images(annotations).lines():
        print(f'attention: {line}')
    if args.metric == 'v_coco':
        truth, actions = v_coco_ground_truth(annotations)
        roles = predictions.roles(annotations)
        return classify_v_coco_errors(
            truth, roles, actions, args.scenario == 1
        ), annotations.verbs
    if not len(annotations.hoi_verbs):
        raise ValueError(
            f'{args.ann}: no hoi_categories, whose AP this '
            'report explains; for V-COCO, use --metric v_coco'
        )
    gt, _ = hico_det_ground_truth(annotations)
    return classify_errors(
        gt,
        predictions.pairs(annotations),
        annotations.hoi_objects,
        args.protocol,
    ), annotations.hoi_names


def print_table(
    report: ErrorReport, reasons: Sequence[tuple], metric: str
) -> None:
    """Print the cost of each error type, and its meaning."""
    print(
        f'{metric} {report.mean_ap:.2f}. What is lost to each type of error, '
        'if it alone were corrected:\n'
    )
    print(f'{"":<22}{"false":>9}{"missed":>9}{"lost AP":>10}')
    for name, false, missed, lost in report.rows():
        print(f'{name:<22}{false or "":>9}{missed or "":>9}{lost:>10.2f}')
    print()
    for name, false, missed in reasons:
        print(
            f'{name}: '
            + '; '.join(
                f'{kind}: {text}'
                for kind, text in (('false', false), ('missed', missed))
                if text
            )
        )


def print_classes(
    names: Sequence[str], report: ErrorReport, order: np.ndarray, number: int
) -> None:
    """Print the worst and the best classes with ground truth."""
    number = min(number, len(order))
    for title, rows in (
        ('best', order[::-1][:number]),
        ('worst', order[:number]),
    ):
        print(
            f'\n{number} {title} of {len(order)} classes with annotated '
            'pairs (AP, pairs)'
        )
        for row in rows:
            print(
                f'{report.ap[row] * 100:7.2f}{report.num_gt[row]:7d}  '
                f'{names[row]}'
            )


def draw(
    path: str,
    names: Sequence[str],
    report: ErrorReport,
    order: np.ndarray,
    number: int,
    metric: str,
) -> None:
    """Plot lost AP as bars, and sorted APs of classes."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    rows = report.rows()[: len(REASONS)]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12, 4.5), layout='constrained'
    )
    bars = left.barh([row[0] for row in rows], [row[3] for row in rows])
    left.bar_label(bars, fmt='%.2f', padding=3)
    left.invert_yaxis()
    left.margins(x=0.15)
    left.set_xlabel('lost AP (%)')
    left.set_title(f'what errors cost ({metric} {report.mean_ap:.2f})')
    aps = report.ap[order[::-1]] * 100
    right.fill_between(np.arange(len(aps)), aps, step='mid', alpha=0.4)
    right.set(
        xlim=(0, max(len(aps), 1)),
        ylim=(0, 105),
        xlabel='classes, best to worst',
        ylabel='AP (%)',
        title='AP of each class',
    )
    number = min(number, len(order) // 2)
    for x, align, title, chosen in (
        (0.97, 'right', 'best', order[::-1]),
        (0.03, 'left', 'worst', order),
    ):
        lines = [f'{title}:'] + [
            f'{report.ap[i] * 100:.0f} {names[i]}' for i in chosen[:number]
        ]
        right.text(
            x,
            0.97 if title == 'best' else 0.03,
            '\n'.join(lines),
            ha=align,
            va='top' if title == 'best' else 'bottom',
            fontsize=7,
            transform=right.transAxes,
        )
    with atomic_path(path) as partial:
        figure.savefig(partial, format='png', dpi=150)
    plt.close(figure)


def write_classes(
    path: str, names: List[str], report: ErrorReport, order: np.ndarray
) -> None:
    with atomic_path(path) as partial, open(partial, 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['class', 'AP', 'pairs'])
        for row in order[::-1]:
            writer.writerow(
                [names[row], f'{report.ap[row] * 100:.4f}', report.num_gt[row]]
            )


def main() -> None:
    args = parse_args()
    try:
        report, names = explain(args)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    annotated = np.flatnonzero(report.num_gt)
    order = annotated[np.argsort(report.ap[annotated], kind='stable')]
    v_coco = args.metric == 'v_coco'
    metric = 'AP_role_s1' if v_coco else 'mAP'
    print_table(report, V_COCO_REASONS if v_coco else REASONS, metric)
    print_classes(names, report, order, args.num_classes)
    if args.out:
        draw(
            osp.join(args.out, 'errors.png'),
            names,
            report,
            order,
            args.num_classes,
            metric,
        )
        write_classes(osp.join(args.out, 'classes.csv'), names, report, order)
        content = {
            metric: report.mean_ap,
            'errors': [
                dict(zip(('reason', 'false', 'missed', 'lost_AP'), row))
                for row in report.rows()
            ],
        }
        with atomic_path(osp.join(args.out, 'errors.json')) as path:
            path.write_text(json.dumps(content, indent=1) + '\n')


if __name__ == '__main__':
    main()
