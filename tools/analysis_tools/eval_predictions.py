"""Evaluate predictions of a file; needs neither torch nor mmdet.

The file is written by `tools/test.py --out preds.npz`, or by other programs in
the same format (`python -m pydoc clhoi_mm.evaluation.core.Predictions`).
"""

import argparse
import json
from typing import Dict, List, Optional

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import (
    HICO_DET_PROTOCOLS,
    Predictions,
    evaluate_hico_det,
    evaluate_v_coco,
    hico_det_ground_truth,
    v_coco_ground_truth,
)
from clhoi_mm.utils.files import atomic_path
from clhoi_mm.vocabulary import ZERO_SHOT_SPLITS, load_zero_shot_split


def zero_shot_split(name: str) -> List[int]:
    """Load labels of unseen classes by name."""
    try:
        return load_zero_shot_split(name)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--ann', required=True, help='annotation file (JSON)')
    parser.add_argument('--pred', required=True, help='predictions (.npz)')
    parser.add_argument(
        '--metric', required=True, choices=['hico_det', 'v_coco']
    )
    parser.add_argument(
        '--protocol',
        choices=list(HICO_DET_PROTOCOLS),
        default='official',
        help='evaluator to follow; hico_det only (default: official)',
    )
    parser.add_argument(
        '--unseen',
        type=zero_shot_split,
        metavar='|'.join([*ZERO_SHOT_SPLITS, 'FILE']),
        help='zero-shot split of HICO-DET, or a JSON list of class labels; '
        'also evaluate unseen and seen classes',
    )
    parser.add_argument(
        '--classwise', action='store_true', help='also the AP of each class'
    )
    parser.add_argument('--json', help='file to write the metrics to')
    return parser.parse_args()


def score_hico_det(
    annotations: AnnotationFile,
    predictions: Predictions,
    protocol: str,
    unseen: Optional[List[int]],
    classwise: bool,
) -> Dict[str, float]:
    """Compute HICO-DET's metrics in percent.

    Args:
        annotations (AnnotationFile): Ground truth.
        predictions (Predictions): Predictions.
        protocol (str): Evaluator to follow.
        unseen (list[int], optional): Labels of classes unseen in training.
        classwise (bool): Whether to add the AP of each class.
    """
    num_hois = len(annotations.hoi_verbs)
    if not num_hois:
        raise ValueError(
            'the annotation file has no hoi_categories, which '
            '--metric hico_det scores; for V-COCO, use --metric '
            'v_coco'
        )
    unseen_mask = None
    if unseen is not None:
        wrong = [label for label in unseen if not 0 <= label < num_hois]
        if wrong:
            raise ValueError(
                f'--unseen holds class {wrong[0]}, but the '
                f'annotation file has {num_hois} classes'
            )
        unseen_mask = np.isin(np.arange(num_hois), unseen)
    gt, labels = hico_det_ground_truth(annotations)
    result = evaluate_hico_det(
        gt,
        predictions.pairs(annotations),
        labels,
        annotations.hoi_objects,
        protocol,
    )
    metrics = result.summary(annotations.rare, unseen_mask)
    if classwise:
        metrics.update(result.classwise(annotations.hoi_names))
    return metrics


def score_v_coco(
    annotations: AnnotationFile, predictions: Predictions, classwise: bool
) -> Dict[str, float]:
    """Compute V-COCO's metrics in percent."""
    truth, actions = v_coco_ground_truth(annotations)
    result = evaluate_v_coco(truth, predictions.roles(annotations), actions)
    metrics = result.summary()
    if classwise:
        metrics.update(result.classwise())
    return metrics


def main() -> None:
    args = parse_args()
    try:
        annotations = AnnotationFile.read(args.ann)
        predictions = Predictions.read(args.pred)
        if args.metric == 'hico_det':
            metrics = score_hico_det(
                annotations,
                predictions,
                args.protocol,
                args.unseen,
                args.classwise,
            )
        else:
            metrics = score_v_coco(annotations, predictions, args.classwise)
    except (OSError, ValueError) as error:
        is_named = any(
            str(path) in str(error) for path in (args.ann, args.pred)
        )
        raise SystemExit(
            str(error) if is_named else f'{args.pred}: {error}'
        ) from error
    metrics = {f'{args.metric}/{k}': value for k, value in metrics.items()}
    match = predictions.match_images(annotations)
    if predictions.keys is None:
        print(
            f'{args.pred} has no keys: images are compared by id alone, and '
            f'{match.matched} of {len(predictions.img_id)} ids are in '
            f'{args.ann}. Ids of another split may be among them.'
        )
    repeated = annotations.num_repeated_pairs
    if repeated:
        print(
            f'{repeated} of {len(annotations.pair_verbs)} hois in {args.ann} '
            'repeat the person, object and verb of another; each is a pair to '
            'find, as in the official evaluators. Remove them, or convert '
            'the annotations again, to count them once.'
        )
    if match.unused:
        print(
            f'{match.unused} of {len(annotations.image_ids)} images are not '
            f'in {args.pred}: nothing is predicted there.'
        )
    if match.unmatched:
        print(
            f'{match.unmatched} of {len(predictions.img_id)} predicted images '
            f'are not in {args.ann}, for one {match.unmatched_example!r}: '
            'their predictions are left out.'
        )
    width = max(map(len, metrics)) + 2
    for name, value in metrics.items():
        print(f'{name:<{width}}{value:6.2f}')
    if args.json:
        with atomic_path(args.json) as path:
            path.write_text(json.dumps(metrics, indent=1) + '\n')


if __name__ == '__main__':
    main()
