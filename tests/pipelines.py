"""Inputs for pipeline transforms, and a runner for pipelines."""

import numpy as np

from clhoi_mm.registry import TRANSFORMS


def make_results(boxes, pairs=(), size=(80, 60), detections=None, **kwargs):
    """Build a results dict; labels are row numbers."""
    width, height = size
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    pairs = np.array(pairs, np.int64).reshape(-1, 2)
    count = len(boxes)
    image = (
        np.random.default_rng(0)
        .integers(0, 255, (height, width, 3))
        .astype(np.float32)
    )
    results = dict(
        img=image,
        img_shape=(height, width),
        ori_shape=(height, width),
        height=height,
        width=width,
        img_id=1,
        img_path='a.png',
        instances=[
            dict(bbox=box.tolist(), bbox_label=k, ignore_flag=0, row=k)
            for k, box in enumerate(boxes)
        ],
        rows=dict(
            bboxes=boxes,
            labels=np.arange(count),
            iscrowd=np.zeros(count, bool),
            hoi_labelled=np.ones(count, bool),
        ),
        hois=dict(
            human_rows=pairs[:, 0],
            object_rows=pairs[:, 1],
            verb_labels=np.arange(len(pairs)) + 5,
            hoi_labels=np.arange(len(pairs)) + 50,
            invisible=np.zeros(len(pairs), bool),
        ),
        image_hoi_labels=np.arange(len(pairs)) + 50,
        person_label=0,
        test_mode=False,
        **kwargs,
    )
    if detections is not None:
        results['detections'] = detections
    return results


def run(results, *steps):
    """Run a pipeline; return None if the image is dropped."""
    for step in steps:
        if isinstance(step, str):
            step = dict(type=step)
        results = TRANSFORMS.build(dict(step, _scope_='clhoi_mm'))(results)
        if results is None:
            return None
    return results


def pack(*args):
    return run(*args, 'PackHOIInputs')['data_samples']


LOAD = 'LoadHOIAnnotations'
BOXES = [[5, 5, 25, 55], [20, 20, 50, 50], [60, 10, 75, 50]]
