"""Literal loop implementation of UPT's and PViC's evaluation.

Follows BoxPairAssociation and DetectionAPMeter of github.com/fredzzhang/pocket
and their use in utils.py of github.com/fredzzhang/pvic; shares nothing with
the core.
"""

from literal_official import LEVELS, iou


def associate(gt_pairs, pairs, scores):
    """Mark an image's true positives of one class."""
    assigned = []
    for person, obj in pairs:
        overlaps = [min(iou(person, p), iou(obj, o)) for p, o in gt_pairs]
        largest = max(overlaps)
        assigned.append(overlaps.index(largest) if largest > 0.5 else None)
    true = [False] * len(pairs)
    for k in range(len(gt_pairs)):
        mine = [j for j in range(len(pairs)) if assigned[j] == k]
        if mine:
            true[max(mine, key=lambda j: scores[j])] = True
    return true


def class_ap(rows, num_positive):
    """Compute 11-point AP of (score, true positive) rows, or 0."""
    hits, points = 0, []
    for seen, (_, true) in enumerate(sorted(rows, key=lambda row: -row[0]), 1):
        hits += true
        points.append(
            (hits / num_positive if num_positive else 0.0, hits / seen)
        )
    return sum(
        max((p for r, p in points if r >= level), default=0.0) / 11
        for level in LEVELS
    )


def evaluate(samples, hoi_objects):
    """Compute the AP of all classes: Default, Known-Object."""
    result = []
    for known_object in (False, True):
        aps = []
        for hoi, obj in enumerate(hoi_objects):
            rows, num_positive = [], 0
            for sample in samples:
                gt, pred = sample['gt_hois'], sample['pred_hois']
                if not gt['hoi_labels']:
                    continue  # No class of the data set.
                gt_pairs = [
                    (gt['human_bboxes'][k], gt['object_bboxes'][k])
                    for k, label in enumerate(gt['hoi_labels'])
                    if label == hoi
                ]
                num_positive += len(gt_pairs)
                annotated = list(gt['hoi_labels']) + list(
                    sample.get('image_hoi_labels') or []
                )
                if known_object and obj not in {
                    hoi_objects[label] for label in annotated
                }:
                    continue
                mine = [
                    j
                    for j, label in enumerate(pred['hoi_labels'])
                    if label == hoi
                ]
                scores = [pred['scores'][j] for j in mine]
                true = [False] * len(mine)
                if gt_pairs:
                    true = associate(
                        gt_pairs,
                        [
                            (pred['human_bboxes'][j], pred['object_bboxes'][j])
                            for j in mine
                        ],
                        scores,
                    )
                rows += zip(scores, true)
            aps.append(class_ap(rows, num_positive))
        result.append(aps)
    return result
