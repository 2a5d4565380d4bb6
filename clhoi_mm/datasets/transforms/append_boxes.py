import numpy as np

from clhoi_mm.structures import TrackedBoxes

# Row ids from this number on belong to pointed pairs: human, object, human...
FIRST_POINTED = 1 << 40


def append_boxes(
    results: dict, boxes: TrackedBoxes, labels: np.ndarray, is_ignored: bool
) -> None:
    """Append boxes to ``gt_bboxes``, so that transforms handle them.

    Args:
        results (dict): The pipeline's dict, changed in place.
        boxes (TrackedBoxes): (N, 4), with row ids of their own.
        labels (np.ndarray): Object labels, (N,) int64.
        is_ignored (bool): Value of their ``gt_ignore_flags``.
    """
    if 'gt_bboxes' in results:
        boxes = TrackedBoxes.cat([results['gt_bboxes'], boxes])
    results['gt_bboxes'] = boxes
    for key, values in (
        ('gt_bboxes_labels', labels),
        ('gt_ignore_flags', np.full(len(labels), is_ignored)),
    ):
        results[key] = (
            np.concatenate([results[key], values])
            if key in results
            else np.asarray(values)
        )
