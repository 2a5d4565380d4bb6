"""Time the evaluation on generated predictions, without torch or mmdet.

Detections are randomly shifted annotated boxes, and pairs of them have right
and wrong classes with random scores, so that all steps do work. Both the
evaluation alone and the command `eval_predictions.py` are timed.
"""

import argparse
import os.path as osp
import resource
import subprocess
import sys
import tempfile
import time
from typing import Tuple

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

NUM_PERSONS, NUM_OBJECTS = 8, 10


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--ann', required=True, help='annotation file (JSON)')
    parser.add_argument(
        '--metric', required=True, choices=['hico_det', 'v_coco']
    )
    parser.add_argument(
        '--num-per-img',
        type=int,
        default=100,
        help='predictions per image (default: 100)',
    )
    parser.add_argument('--repeat', type=int, default=3)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='file to keep the predictions in (.npz)')
    return parser.parse_args()


def jitter_boxes(
    annotations: AnnotationFile,
    is_person: bool,
    number: int,
    rng: np.random.Generator,
) -> Tuple[np.ndarray, np.ndarray]:
    """Generate detections of each image by shifting annotated boxes.

    Returns:
        tuple[np.ndarray, np.ndarray]: (I, number) row of the annotated box,
        -1 where the image has none, and (I, number, 4) boxes.
    """
    person = annotations.objects.index('person')
    rows = np.flatnonzero((annotations.box_labels == person) == is_person)
    rows = rows[np.argsort(annotations.box_images[rows], kind='stable')]
    num_images = len(annotations.image_ids)
    counts = np.bincount(annotations.box_images[rows], minlength=num_images)
    firsts = np.cumsum(counts) - counts
    drawn = firsts[:, None] + (
        rng.random((num_images, number)) * counts[:, None]
    ).astype(np.int64)
    chosen = np.append(rows, -1)[np.minimum(drawn, len(rows))]
    chosen[counts == 0] = -1
    corners = (
        rng.random((num_images, number, 2, 2))
        * annotations.sizes[:, None, None]
    )
    boxes = np.sort(corners, axis=2).reshape(num_images, number, 4)
    near = np.concatenate([annotations.bboxes, [[0, 0, 1, 1]]])[chosen]
    shake = rng.normal(0, 0.12, boxes.shape)
    near = near + shake * np.tile(near[..., 2:] - near[..., :2], 2)
    boxes = np.where((chosen >= 0)[..., None], near, boxes)
    return chosen, np.concatenate(
        [boxes[..., :2], np.maximum(boxes[..., 2:], boxes[..., :2] + 1)],
        axis=2,
    ).astype(np.float32)


def generate(
    annotations: AnnotationFile, num_per_img: int, seed: int
) -> Predictions:
    """Generate predictions for all images.

    Args:
        annotations (AnnotationFile): Source of the boxes.
        num_per_img (int): Rows per image.
        seed (int): Random seed.
    """
    rng = np.random.default_rng(seed)
    num_images = len(annotations.image_ids)
    persons, human_bboxes = jitter_boxes(annotations, True, NUM_PERSONS, rng)
    others, object_bboxes = jitter_boxes(annotations, False, NUM_OBJECTS, rng)
    images = np.repeat(np.arange(num_images), num_per_img)
    num = len(images)
    human = rng.integers(0, NUM_PERSONS, num)
    other = rng.integers(0, NUM_OBJECTS, num)

    # A verb that occurs with the object, usually an annotated one of the same
    # pair of boxes if there is any.
    objects = np.append(annotations.box_labels, 0)[others[images, other]]
    if len(annotations.hoi_verbs):
        valid = annotations.hoi_lookup >= 0
    else:
        valid = np.zeros(
            (len(annotations.verbs), len(annotations.objects)), dtype=bool
        )
        boxed = annotations.object_inds >= 0
        valid[
            annotations.pair_verbs[boxed],
            annotations.box_labels[annotations.object_inds[boxed]],
        ] = True
        valid[:, ~valid.any(axis=0)] = True
    weights = rng.random((num, len(annotations.verbs)), dtype=np.float32)
    verbs = (weights * valid.T[objects]).argmax(axis=1)
    size = len(annotations.bboxes) + 1
    keys = annotations.human_inds * size + annotations.object_inds
    order = np.argsort(keys)
    wanted = persons[images, human] * size + others[images, other]
    place = np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)
    pair = order[place]
    right = (keys[pair] == wanted) & (rng.random(num) < 0.6)
    verbs[right] = annotations.pair_verbs[pair[right]]
    scores = rng.random(num, dtype=np.float32) * (0.5 + 0.5 * right)
    labels = np.full(num, -1)
    if len(annotations.hoi_verbs):
        labels = annotations.hoi_lookup[verbs, objects]
    return Predictions(
        np.array(annotations.image_ids),
        np.arange(num_images + 1) * num_per_img,
        human_bboxes[images, human],
        object_bboxes[images, other],
        objects,
        verbs,
        labels,
        scores.astype(np.float32),
    )


def score(
    annotations: AnnotationFile, predictions: Predictions, metric: str
) -> dict:
    """Measure wall and processor seconds of each protocol."""
    times = {}
    names = HICO_DET_PROTOCOLS if metric == 'hico_det' else ['v_coco']
    for name in names:
        start = time.perf_counter(), time.process_time()
        if metric == 'hico_det':
            gt, labels = hico_det_ground_truth(annotations)
            evaluate_hico_det(
                gt,
                predictions.pairs(annotations),
                labels,
                annotations.hoi_objects,
                name,
            )
        else:
            truth, actions = v_coco_ground_truth(annotations)
            evaluate_v_coco(truth, predictions.roles(annotations), actions)
        times[name] = (
            time.perf_counter() - start[0],
            time.process_time() - start[1],
        )
    return times


def measure(args: argparse.Namespace) -> None:
    """Time the scoring and the whole command."""
    annotations = AnnotationFile.read(args.ann)
    predictions = generate(annotations, args.num_per_img, args.seed)
    print(
        f'{len(annotations.image_ids)} images, {len(predictions.scores)} '
        f'predictions, {len(annotations.pair_verbs)} annotated pairs'
    )
    runs = [
        score(annotations, predictions, args.metric)
        for _ in range(args.repeat)
    ]
    for name in runs[0]:
        wall, processor = np.median([run[name] for run in runs], axis=0)
        print(
            f'scoring, {name:<10} {wall:6.2f} s ({processor:.2f} s of '
            f'processor time), median of {len(runs)}'
        )
    with tempfile.TemporaryDirectory() as folder:
        path = args.out or osp.join(folder, 'preds.npz')
        predictions.write(path)
        command = [
            sys.executable,
            osp.join(osp.dirname(__file__), '..', 'eval_predictions.py'),
            '--ann',
            args.ann,
            '--pred',
            path,
            '--metric',
            args.metric,
        ]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f'whole command       {seconds:6.2f} s, {peak:.2f} GiB at most')


def main() -> None:
    args = parse_args()
    try:
        measure(args)
    except FileNotFoundError as error:
        raise SystemExit(f'benchmark.py evaluation: {error}') from None
