"""Literal loop implementation of QPIC's evaluator.

Follows datasets/hico_eval.py of github.com/hitachi-rd-cv/qpic.
"""

import numpy as np


def iou(box1, box2):
    """Compute IoU with extents of one more pixel.

    Boxes that merely touch have no intersection.
    """
    left, right = max(box1[0], box2[0]), min(box1[2], box2[2])
    top, bottom = max(box1[1], box2[1]), min(box1[3], box2[3])
    if left >= right or top >= bottom:
        return 0.0
    common = (right - left + 1) * (bottom - top + 1)
    total = (box1[2] - box1[0] + 1) * (box1[3] - box1[1] + 1) + (
        box2[2] - box2[0] + 1
    ) * (box2[3] - box2[1] + 1)
    return common / (total - common)


def score_image(gt, pred, collected):
    """Append (true positive, score) of an image's best 100 predictions."""
    rows = sorted(
        range(len(pred['hoi_labels'])),
        key=lambda j: pred['scores'][j],
        reverse=True,
    )[:100]
    if not gt['hoi_labels']:
        return
    found = set()
    for j in rows:
        label = pred['hoi_labels'][j]
        largest, which = 0, None
        for k, gt_label in enumerate(gt['hoi_labels']):
            overlaps = [
                iou(pred[key][j], gt[key][k])
                for key in ('human_bboxes', 'object_bboxes')
            ]
            if gt_label == label and min(overlaps) >= 0.5:
                if min(overlaps) > largest:
                    largest, which = min(overlaps), k
        if label not in collected:
            continue
        hit = which is not None and which not in found
        if hit:
            found.add(which)
        collected[label].append((hit, pred['scores'][j]))


def class_ap(collected, num_positive):
    if not collected:
        return 0.0
    scores = np.array([score for _, score in collected])
    tp = np.array([hit for hit, _ in collected])
    order = np.argsort(-scores, kind='stable')
    hits = np.cumsum(tp[order])
    misses = np.cumsum(~tp[order])
    recall, precision = hits / num_positive, hits / (hits + misses)
    total = 0.0
    for level in np.arange(0.0, 1.1, 0.1):
        if (recall >= level).any():
            total += precision[recall >= level].max() / 11
    return total


def evaluate(samples, hoi_objects):
    """Compute the AP of classes with ground truth: Default, Known-Object."""
    num_positive = {}
    for sample in samples:
        for label in sample['gt_hois']['hoi_labels']:
            num_positive[label] = num_positive.get(label, 0) + 1
    result = []
    for known_object in (False, True):
        collected = {label: [] for label in num_positive}
        for sample in samples:
            annotated = list(sample['gt_hois']['hoi_labels']) + list(
                sample.get('image_hoi_labels') or []
            )
            objects = {hoi_objects[label] for label in annotated}
            counted = {
                label: rows
                for label, rows in collected.items()
                if not known_object or hoi_objects[label] in objects
            }
            score_image(sample['gt_hois'], sample['pred_hois'], counted)
        result.append(
            {
                label: class_ap(rows, num_positive[label])
                for label, rows in collected.items()
            }
        )
    return result
