"""Drawings of pair attention and of tracked video frames."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('mmdet')

from mmengine.structures import InstanceData

from clhoi_mm.structures import HOIDataSample
from clhoi_mm.visualization import HOILocalVisualizer
from clhoi_mm.visualization.attention_map import heat_map
from clhoi_mm.visualization.panel import COLORS
from clhoi_mm.visualization.scene import HOITexts, build_scene

META = dict(verbs=['ride', 'feed'], classes=['person', 'horse'])
LEFT, RIGHT = [10.0, 20.0, 60.0, 140.0], [150.0, 20.0, 200.0, 140.0]
HORSE, PONY = [60.0, 90.0, 140.0, 150.0], [62.0, 90.0, 140.0, 150.0]
IMAGE = np.full((160, 224, 3), 128, dtype=np.uint8)


def draw(hois, **kwargs):
    visualizer = HOILocalVisualizer()
    visualizer.dataset_meta = META
    sample = HOIDataSample(metainfo=dict(img_id=1))
    sample.pred_hois = hois
    visualizer.add_datasample('drawn', IMAGE, sample, **kwargs)
    return visualizer.get_image()


def hois(rows, ids=None, **columns):
    """Build predictions from (person, object, verb, score), all horses."""
    result = InstanceData(
        human_bboxes=torch.tensor([row[0] for row in rows]),
        object_bboxes=torch.tensor([row[1] for row in rows]),
        verb_labels=torch.tensor([row[2] for row in rows]),
        object_labels=torch.ones(len(rows), dtype=torch.long),
        scores=torch.tensor([row[3] for row in rows]),
        **columns,
    )
    if ids is not None:
        result.sub_ids, result.obj_ids = (
            torch.tensor([pair[i] for pair in ids]) for i in (0, 1)
        )
    return result


def colored_area(picture, person):
    close = np.abs(picture.astype(int) - COLORS[person]) <= 3
    return close.all(axis=2).sum()


def test_heatmap_is_strong_where_attention_is():
    strength = np.zeros((16, 22), dtype=np.float32)
    strength[4, 5] = 2.0
    drawn = heat_map(IMAGE, strength)
    assert drawn.shape == IMAGE.shape and drawn.dtype == np.uint8
    light = drawn.sum(axis=2).astype(int)
    y, x = np.unravel_index(light.argmax(), light.shape)
    assert abs(y - 45) <= 5 and abs(x - 55) <= 5
    assert light[100:, 120:].max() < light.max() / 2
    # A map of zeros leaves the image in gray.
    assert len(np.unique(heat_map(IMAGE, strength * 0))) == 1


def test_one_panel_per_top_pair():
    maps = torch.zeros(3, 4, 6)
    maps[:, 0, 0] = 1
    found = hois(
        [(LEFT, HORSE, 0, 0.9), (LEFT, HORSE, 1, 0.8), (RIGHT, HORSE, 1, 0.7)],
        attention=maps,
    )
    plain = draw(found)
    one, two, all_there_are = (draw(found, attention=n) for n in (1, 2, 9))
    assert 2 * plain.shape[1] < one.shape[1] < 2.2 * plain.shape[1]
    assert 3 * plain.shape[1] < two.shape[1] < 3.2 * plain.shape[1]
    # Two verbs of a pair share one panel.
    assert all_there_are.shape == two.shape
    # Each panel shows one pair in its color.
    panel = one[:, one.shape[1] // 2 :]
    assert colored_area(panel, 0) and not colored_area(panel, 1)
    assert colored_area(plain, 1)


def test_track_ids_identify_persons():
    """Overlapping boxes with ids stay separate; colors follow the ids."""
    rows = [
        (LEFT, HORSE, 0, 0.9),
        (LEFT, PONY, 1, 0.8),
        (RIGHT, HORSE, 1, 0.7),
    ]
    columns = hois(rows, ids=[(3, 1), (3, 2), (1, 1)])
    drawn = build_scene(
        *(
            columns[name].numpy()
            for name in (
                'human_bboxes',
                'object_bboxes',
                'verb_labels',
                'object_labels',
                'scores',
            )
        ),
        HOITexts(META['verbs'], META['classes']),
        columns.sub_ids.numpy(),
        columns.obj_ids.numpy(),
    )
    assert drawn.ids == [3, 1]  # From left to right.
    assert [p.texts for p in drawn.pairs] == [
        ['ride horse 90'],
        ['feed horse 80'],
        ['feed horse 70'],
    ]
    picture = draw(columns)
    assert colored_area(picture, 2) and colored_area(picture, 0)
    assert not colored_area(picture, 1)


def test_frames_keep_their_size():
    rows = [(LEFT, HORSE, i % 2, 1 - i / 100) for i in range(40)]
    found = hois(rows, ids=[(1, i + 1) for i in range(40)])
    size = draw(found[:1], keep_size=True).shape
    assert draw(found, keep_size=True, top_k=40).shape == size
    assert draw(found, top_k=40).shape[0] > size[0]
