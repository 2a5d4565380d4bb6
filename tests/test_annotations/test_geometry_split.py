"""Deduplication of boxes with and without torch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.annotations.geometry_file import deduplicate_boxes

BOX = st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 12)] * 2)


@given(
    st.lists(st.tuples(BOX, st.integers(0, 2)), max_size=12),
    st.sampled_from([0.3, 0.5, 0.7, 0.9]),
)
def test_equals_the_torch_implementation(boxes, iou):
    torch = pytest.importorskip('torch')
    pytest.importorskip('mmdet')
    from clhoi_mm.datasets.transforms import load_detections

    xywh = np.array([box for box, _ in boxes], np.float32).reshape(-1, 4)
    bboxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1)
    labels = np.array([label for _, label in boxes], np.int64)
    expected = load_detections.deduplicate_boxes(
        torch.from_numpy(bboxes), torch.from_numpy(labels), iou
    )
    found = deduplicate_boxes(bboxes, labels, iou)
    assert found.tolist() == expected.tolist()
