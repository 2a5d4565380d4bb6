"""Literal loop implementation of HICO-DET's official protocol.

Follows VOCevaldet_bboxpair.m and eval_one.m statement by statement, on
zero-based continuous boxes, and shares nothing with the fast core.
"""

# MATLAB's colon operator builds 0:0.1:1 like this.
LEVELS = [0, 0.1, 0.2, 3 * 0.1, 0.4, 0.5, 1 - 4 * 0.1, 1 - 3 * 0.1, 0.8, 0.9,
          1.0]  # fmt: skip


def iou(box1, box2):
    width = min(box1[2], box2[2]) - max(box1[0], box2[0])
    height = min(box1[3], box2[3]) - max(box1[1], box2[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = (
        (box1[2] - box1[0]) * (box1[3] - box1[1])
        + (box2[2] - box2[0]) * (box2[3] - box2[1])
        - width * height
    )
    return width * height / union


def class_ap(detections, ground_truth):
    """Compute the AP of one class.

    Args:
        detections (list): (image, person, object, score).
        ground_truth (dict): image -> list of (person, object).
    """
    num_positive = sum(len(pairs) for pairs in ground_truth.values())
    found = {image: [False] * len(p) for image, p in ground_truth.items()}
    recalls, precisions, tp, fp = [], [], 0, 0
    for image, person, obj, _ in sorted(detections, key=lambda det: -det[3]):
        best, best_j = -float('inf'), None
        for j, (gt_person, gt_obj) in enumerate(ground_truth.get(image, [])):
            overlap = min(iou(person, gt_person), iou(obj, gt_obj))
            if overlap > best:
                best, best_j = overlap, j
        if best >= 0.5 and not found[image][best_j]:
            found[image][best_j] = True
            tp += 1
        else:
            fp += 1
        if num_positive:
            recalls.append(tp / num_positive)
            precisions.append(tp / (tp + fp))
    total = 0.0
    for level in LEVELS:
        reached = [p for p, r in zip(precisions, recalls) if r >= level]
        total += max(reached, default=0.0) / 11
    return total


def evaluate(samples, hoi_objects):
    """Compute the AP of all classes: Default, Known-Object.

    Args:
        samples (list[dict]): As `read_sample` takes them, with lists.
        hoi_objects (list[int]): Object of each class.
    """
    default, known_object = [], []
    for hoi, obj in enumerate(hoi_objects):
        detections, ground_truth, with_object = [], {}, set()
        for i, sample in enumerate(samples):
            gt, pred = sample['gt_hois'], sample['pred_hois']
            ground_truth[i] = [
                (gt['human_bboxes'][j], gt['object_bboxes'][j])
                for j, label in enumerate(gt['hoi_labels'])
                if label == hoi
            ]
            detections += [
                (
                    i,
                    pred['human_bboxes'][j],
                    pred['object_bboxes'][j],
                    pred['scores'][j],
                )
                for j, label in enumerate(pred['hoi_labels'])
                if label == hoi
            ]
            annotated = list(gt['hoi_labels']) + list(
                sample.get('image_hoi_labels') or []
            )
            if any(hoi_objects[label] == obj for label in annotated):
                with_object.add(i)
        default.append(class_ap(detections, ground_truth))
        known_object.append(
            class_ap(
                [det for det in detections if det[0] in with_object],
                ground_truth,
            )
        )
    return default, known_object
