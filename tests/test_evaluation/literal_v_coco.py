"""Literal loop implementation of V-COCO's official evaluation.

Follows vsrl_eval.py of github.com/s-gupta/v-coco, with sorts that keep equals
in order and without its failures; shares nothing with the core.
"""

import math

import numpy as np


def iou(box1, box2):
    width = min(box1[2], box2[2]) - max(box1[0], box2[0]) + 1
    height = min(box1[3], box2[3]) - max(box1[1], box2[1]) + 1
    common = max(width, 0.0) * max(height, 0.0)
    areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (box1, box2)]
    return common / (sum(areas) - common)


def inclusive(box, size):
    """Clip boxes like the script does those of COCO's file."""
    x1, y1, x2, y2 = box
    box = [x1, y1, x1 + max(0.0, x2 - x1 - 1), y1 + max(0.0, y2 - y1 - 1)]
    return [
        min(limit - 1.0, max(0.0, value))
        for value, limit in zip(box, [*size, *size])
    ]


def ascending(scores):
    return np.argsort(np.array(scores, dtype=np.float32), kind='stable')


def average_precision(tp, scores, num_positive):
    """Compute the area under the envelope of precision over recall."""
    if num_positive == 0:
        return math.nan
    order = ascending(scores)[::-1]
    recalls, precisions, hits = [0.0], [0.0], 0
    for seen, j in enumerate(order, 1):
        hits += tp[j]
        recalls.append(hits / num_positive)
        precisions.append(hits / seen)
    recalls.append(1.0)
    precisions.append(0.0)
    for i in range(len(precisions) - 1, 0, -1):
        precisions[i - 1] = max(precisions[i - 1], precisions[i])
    return sum(
        (recalls[i + 1] - recalls[i]) * precisions[i + 1]
        for i in range(len(recalls) - 1)
    )


class Image:
    """An image's persons: boxes, actions (None: unlabeled), roles."""

    def __init__(self, sample, verbs):
        height, width = sample['ori_shape']
        self.boxes, self.actions, self.roles, raw = [], [], [], []
        persons = sample['gt_persons']
        for box, labeled in zip(persons['bboxes'], persons['hoi_labelled']):
            x1, y1, x2, y2 = inclusive(box, (width, height))
            if x2 > x1 and y2 > y1:
                raw.append(box)
                self.boxes.append([x1, y1, x2, y2])
                self.actions.append(set() if labeled else None)
                self.roles.append({})
        hois = sample['gt_hois']
        for person, role, verb in zip(
            hois['human_bboxes'], hois['object_bboxes'], hois['verb_labels']
        ):
            for j, box in enumerate(raw):
                if box == person and self.actions[j] is not None:
                    name = verbs[verb]
                    self.actions[j].add(name.split()[0])
                    if not math.isnan(role[0]):
                        self.roles[j].setdefault(
                            name, inclusive(role, (width, height))
                        )
                    break

    def nearest(self, box):
        """Return the person of largest IoU, the first among ties."""
        overlaps = [iou(box, person) for person in self.boxes]
        largest = max(overlaps)
        return overlaps.index(largest), largest


def rows_of(sample, verbs):
    pred = sample['pred_hois']
    agent_scores = pred.get('agent_scores', pred['scores'])
    return list(zip(pred['human_bboxes'], pred['object_bboxes'],
                    [verbs[v] for v in pred['verb_labels']], pred['scores'],
                    agent_scores))  # fmt: skip


def role_ap(images, predictions, verb, scenario):
    action = verb.split()[0]
    tp, collected, num_positive = [], [], 0
    for image, rows in zip(images, predictions):
        num_positive += sum(action in (acts or ()) for acts in image.actions)
        rows = [
            row for row in rows if row[2] == verb and not math.isnan(row[3])
        ]
        covered = set()
        for j in ascending([row[3] for row in rows])[::-1]:
            if not image.boxes:
                continue
            person_box, role_box, _, score, _ = rows[j]
            person, overlap = image.nearest(person_box)
            if image.actions[person] is None:
                continue
            role = image.roles[person].get(verb)
            if role is not None:
                right = iou(role, role_box) >= 0.5
            elif scenario == 1:
                right = all(v == 0 for v in role_box) or all(
                    math.isnan(v) for v in role_box
                )
            else:
                right = True
            right = (
                right
                and overlap >= 0.5
                and action in image.actions[person]
                and person not in covered
            )
            if right:
                covered.add(person)
            tp.append(right)
            collected.append(score)
    return average_precision(tp, collected, num_positive)


def agent_ap(images, predictions, action):
    tp, collected, num_positive = [], [], 0
    for image, rows in zip(images, predictions):
        num_positive += sum(action in (acts or ()) for acts in image.actions)
        persons = {}  # In the order of first appearance.
        for person_box, _, verb, _, score in rows:
            best = persons.setdefault(tuple(person_box), math.nan)
            if verb.split()[0] == action and not math.isnan(score):
                persons[tuple(person_box)] = (
                    score if math.isnan(best) else max(best, score)
                )
        dets = [
            (box, score)
            for box, score in persons.items()
            if not math.isnan(score)
        ]
        covered = set()
        for j in ascending([score for _, score in dets])[::-1]:
            if not image.boxes:
                continue
            person, overlap = image.nearest(dets[j][0])
            if image.actions[person] is None:
                continue
            right = (
                overlap >= 0.5
                and action in image.actions[person]
                and person not in covered
            )
            if right:
                covered.add(person)
            tp.append(right)
            collected.append(dets[j][1])
    return average_precision(tp, collected, num_positive)


def evaluate(samples, verbs):
    """Compute each role's AP in both scenarios, and each action's.

    Args:
        samples (list[dict]): As `read_v_coco_sample` takes them, with lists.
        verbs (list[str]): Names of one word, with 'obj' or 'instr' after it
            where the verb has a role.
    """
    images = [Image(sample, verbs) for sample in samples]
    predictions = [rows_of(sample, verbs) for sample in samples]
    roles = [
        [
            role_ap(images, predictions, verb, scenario)
            if ' ' in verb
            else math.nan
            for verb in verbs
        ]
        for scenario in (1, 2)
    ]
    actions = dict.fromkeys(verb.split()[0] for verb in verbs)
    return (*roles, [agent_ap(images, predictions, a) for a in actions])
