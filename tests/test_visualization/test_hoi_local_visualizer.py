from types import SimpleNamespace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('mmdet')

from mmdet.engine.hooks import DetVisualizationHook
from mmengine.registry import DefaultScope
from mmengine.structures import BaseDataElement, InstanceData

from clhoi_mm.registry import VISUALIZERS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.visualization import HOILocalVisualizer
from clhoi_mm.visualization.panel import COLORS, Panel
from clhoi_mm.visualization.scene import (
    HOITexts,
    build_scene,
    match_persons,
    merge_boxes,
)

META = dict(verbs=['ride', 'sit_on', 'smile'], classes=['person', 'horse'])
LEFT, RIGHT = [10.0, 20.0, 60.0, 140.0], [150.0, 20.0, 200.0, 140.0]
HORSE = [60.0, 90.0, 140.0, 150.0]
NOWHERE = [float('nan')] * 4
IMAGE = np.full((160, 224, 3), 128, dtype=np.uint8)


def hois(rows, scored=True):
    """Build predictions of (person, object, verb, object label, score)."""
    columns = [torch.tensor([row[i] for row in rows]) for i in range(4)]
    result = InstanceData(
        human_bboxes=columns[0].reshape(-1, 4).float(),
        object_bboxes=columns[1].reshape(-1, 4).float(),
        verb_labels=columns[2].long(),
        object_labels=columns[3].long(),
    )
    if scored:
        result.scores = torch.tensor([float(row[4]) for row in rows])
    return result


def sample(pred=None, gt=None):
    result = HOIDataSample(metainfo=dict(img_id=1))
    if pred is not None:
        result.pred_hois = hois(pred)
    if gt is not None:
        result.gt_hois = hois(gt, scored=False)
    return result


def scene(rows, scored=True):
    columns = hois(rows, scored)
    return build_scene(
        columns.human_bboxes.numpy(),
        columns.object_bboxes.numpy(),
        columns.verb_labels.numpy(),
        columns.object_labels.numpy(),
        columns.scores.numpy() if scored else None,
        HOITexts(META['verbs'], META['classes']),
    )


@pytest.fixture
def draw(tmp_path):
    """Draw into a file and read it as RGB."""
    visualizer = HOILocalVisualizer()
    visualizer.dataset_meta = META

    def function(data_sample, image=IMAGE, **kwargs):
        path = tmp_path / 'drawn.png'
        visualizer.add_datasample(
            'drawn', image, data_sample, out_file=str(path), **kwargs
        )
        return cv2.imread(str(path))[..., ::-1]

    return function


def area_of(picture, colour):
    """Count the pixels in a person's color."""
    return (np.abs(picture.astype(int) - colour) <= 3).all(axis=2).sum()


def test_same_boxes_are_merged():
    nearly = [11.0, 20.0, 61.0, 140.0]
    point = [5.0, 5.0, 5.0, 5.0]
    boxes = np.array([LEFT, RIGHT, nearly, NOWHERE, point, RIGHT])
    partners = np.array([HORSE] * 6)
    assert merge_boxes(boxes, partners).tolist() == [0, 1, 0, -1, 4, 1]


def test_two_hugging_persons_are_not_merged():
    """Their IoU is that of one person annotated twice."""
    one, other = [10.0, 20.0, 60.0, 140.0], [14.0, 20.0, 64.0, 140.0]
    drawn = scene([(one, other, 0, 0, 0.9), (other, one, 0, 0, 0.8)])
    assert [pair.person for pair in drawn.pairs] == [0, 1]
    np.testing.assert_array_equal(drawn.persons, [one, other])
    np.testing.assert_array_equal(
        [pair.obj_bbox for pair in drawn.pairs], [other, one]
    )


def test_verbs_of_a_pair_share_a_label():
    drawn = scene(
        [
            (RIGHT, HORSE, 0, 1, 0.93),
            (LEFT, HORSE, 1, 1, 0.8),
            (RIGHT, HORSE, 1, 1, 0.604),
            (LEFT, NOWHERE, 2, -1, 0.5),
        ]
    )
    assert [pair.texts for pair in drawn.pairs] == [
        ['ride horse 93', 'sit on horse 60'], ['sit on horse 80'],
        ['smile 50']
    ]  # fmt: skip
    # Persons are numbered from left to right.
    assert [pair.person for pair in drawn.pairs] == [1, 0, 0]
    assert drawn.pairs[2].obj_bbox is None
    np.testing.assert_array_equal(drawn.persons, [LEFT, RIGHT])


def test_ground_truth_has_no_scores_and_no_duplicates():
    drawn = scene([(LEFT, HORSE, 0, 1), (LEFT, HORSE, 0, 1)], scored=False)
    assert [pair.texts for pair in drawn.pairs] == [['ride horse']]


def test_names_are_optional():
    assert HOITexts()(3, 5, 0.5) == 'verb 3 object 5 50'
    assert HOITexts(**{'verbs': ['ride']})(0, -1) == 'ride'


def test_predicted_persons_have_the_annotated_numbers():
    gt = scene([(LEFT, HORSE, 0, 1), (RIGHT, HORSE, 0, 1)], scored=False)
    shifted = [155.0, 25.0, 205.0, 145.0]
    new = [80.0, 20.0, 130.0, 60.0]
    pred = scene([(new, HORSE, 0, 1, 0.9), (shifted, HORSE, 0, 1, 0.8)])
    assert match_persons(gt, pred) == [2, 1]
    assert match_persons(scene([]), pred) == [0, 1]


def test_small_images_are_enlarged_and_large_ones_reduced(draw):
    assert draw(None).shape == (514, 720, 3)
    large = np.zeros((3200, 1600, 3), dtype=np.uint8)
    assert draw(None, image=large).shape == (1600, 800, 3)


def test_input_image_is_unchanged(draw):
    assert (draw(None) == 128).all()
    assert (draw(sample(pred=[])) == 128).all()


def test_threshold_and_top_k(draw):
    # Unsorted: the visualizer selects the highest scores.
    data_sample = sample([(RIGHT, HORSE, 0, 1, 0.5), (LEFT, HORSE, 1, 1, 0.9)])
    both = draw(data_sample)
    assert area_of(both, COLORS[0]) and area_of(both, COLORS[1])
    # The left person is then number 0.
    for kwargs in (dict(pred_score_thr=0.6), dict(top_k=1)):
        one = draw(data_sample, **kwargs)
        assert area_of(one, COLORS[0]) and not area_of(one, COLORS[1])
        assert (one[:, 460:] == 128).all()
    assert (draw(data_sample, draw_pred=False) == 128).all()


def test_ground_truth_beside_prediction_in_the_same_colors(draw):
    gt = [(LEFT, HORSE, 0, 1), (RIGHT, HORSE, 0, 1)]
    data_sample = sample([(RIGHT, HORSE, 0, 1, 0.9)], gt)
    picture = draw(data_sample)
    assert picture.shape[1] > 2 * 720
    left, right = picture[:, :720], picture[:, -720:]
    assert area_of(left, COLORS[0]) and area_of(left, COLORS[1])
    assert not area_of(right, COLORS[0]) and area_of(right, COLORS[1])
    assert draw(data_sample, draw_gt=False).shape[1] == 720


def test_person_that_is_an_object_keeps_one_outline(draw):
    """The person RIGHT is also the object of LEFT."""
    own = (RIGHT, HORSE, 0, 1, 0.8)
    both = draw(sample([(LEFT, RIGHT, 1, 0, 0.9), own]))
    # Left and right edges of RIGHT, below its head, away from labels.
    edge = both[420:440, 455:500]
    assert area_of(edge, COLORS[1]) and not area_of(edge, COLORS[0])
    alone = draw(sample([(LEFT, RIGHT, 1, 0, 0.9)]))
    assert area_of(alone[420:440, 455:500], COLORS[0])


def test_pseudo_labels_are_drawn_below(draw):
    data_sample = sample([(LEFT, HORSE, 0, 1, 0.9)])
    plain = draw(data_sample)
    with_caption = draw(data_sample, caption='A person on a horse. ' * 20)
    assert len(with_caption) > len(plain)
    data_sample.teacher = BaseDataElement(
        verb_labels=torch.tensor([0]), obj_labels=torch.tensor([1]),
        scores=torch.tensor([.8]), valid=True)  # fmt: skip
    said = draw(data_sample)
    assert len(said) > len(plain)
    below = said[len(plain) :]
    assert (below.min(axis=2) < 160).any()  # Letters on white.
    data_sample.teacher.valid = False
    assert not np.array_equal(draw(data_sample)[len(plain) :], below)


def test_labels_without_space_are_drawn_below(draw):
    """Nine pairs in a strip with space for five labels."""
    strip = np.full((10, 224, 3), 128, dtype=np.uint8)
    rows = [([25. * i, 0, 25. * i + 12, 10], [25. * i + 12, 0, 25. * i + 24,
                                              10], 1, 1, .9)
            for i in range(9)]  # fmt: skip
    picture = draw(sample(rows), image=strip)
    assert len(picture) > 32 and picture.shape[1] == 720
    below = [area_of(picture[33:], colour) > 0 for colour in COLORS[:9]]
    assert sum(below) >= 4


def test_many_pairs_and_boxes_outside_the_image(draw):
    rng = np.random.default_rng(0)
    boxes = rng.uniform(-50, 250, (60, 2, 2, 2))
    boxes.sort(axis=2)
    rows = [
        (*pair.reshape(2, 4).tolist(), i % 3, 1, 0.9)
        for i, pair in enumerate(boxes)
    ]
    rows.append((LEFT, [5.0, 5.0, 5.0, 5.0], 0, 1, 0.9))
    assert draw(sample(rows), top_k=61).shape[1] == 720


def test_backends_receive_the_picture(tmp_path):
    with DefaultScope.overwrite_default_scope('clhoi_mm'):
        visualizer = VISUALIZERS.build(
            dict(
                type='HOILocalVisualizer',
                name='backends',
                save_dir=str(tmp_path),
                vis_backends=[dict(type='LocalVisBackend')],
            )
        )
    visualizer.add_datasample(
        'scene', IMAGE, sample([(LEFT, HORSE, 0, 1, 0.9)]), step=3
    )
    (written,) = tmp_path.glob('vis_data/vis_image/scene_3.png')
    assert cv2.imread(str(written)).shape == (514, 720, 3)
    assert visualizer.get_image().shape == (514, 720, 3)


def test_works_with_mmdets_hook(tmp_path):
    path = tmp_path / 'horse.png'
    cv2.imwrite(str(path), IMAGE)
    data_sample = sample([(LEFT, HORSE, 0, 1, 0.9)])
    data_sample.set_metainfo(dict(img_path=str(path)))
    HOILocalVisualizer.get_instance('visualizer').dataset_meta = META
    hook = DetVisualizationHook(draw=True, test_out_dir='shown')
    runner = SimpleNamespace(work_dir=str(tmp_path), timestamp='now')
    hook.after_test_iter(runner, 0, {}, [data_sample])
    picture = cv2.imread(str(tmp_path / 'now' / 'shown' / 'horse.png'))
    assert area_of(picture[..., ::-1], COLORS[0])


def drawn_labels(monkeypatch, draw, data_sample, **kwargs):
    """Return the labels in the picture and below it."""
    labels = []
    monkeypatch.setattr(
        Panel, '_draw_label', lambda self, label: labels.append(label)
    )
    draw(data_sample, **kwargs)
    return labels


def test_long_phrases_are_wrapped(monkeypatch, draw):
    rows = [(LEFT, HORSE, 0, 1, 0.9)]
    meta = dict(META, verbs=['brush the long and dirty tail of a brown'])
    monkeypatch.setitem(META, 'verbs', meta['verbs'])
    (label,) = drawn_labels(monkeypatch, draw, sample(rows))
    assert ' '.join(label.lines) == f'{meta["verbs"][0]} horse 90'
    assert len(label.lines) > 1
    assert label.box[2] - label.box[0] < 0.45 * 2 * 720


def test_further_verbs_of_a_pair_are_counted(monkeypatch, draw):
    monkeypatch.setitem(META, 'verbs', [f'verb {i}' for i in range(6)])
    rows = [(LEFT, HORSE, i, 1, 0.9 - 0.1 * i) for i in range(6)]
    (label,) = drawn_labels(monkeypatch, draw, sample(rows))
    assert label.lines[0] == 'verb 0 horse 90'
    assert len(label.lines) == 5 and label.lines[-1] == '+ 2'


def test_labels_leave_a_crowd_visible(monkeypatch, draw):
    """Labels cover a limited area; others are drawn below."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, (170, 100), (40, 2))
    boxes = np.hstack([corners, corners + 40]).tolist()
    rows = [(box, HORSE, 0, 1, 0.9) for box in boxes]
    labels = drawn_labels(monkeypatch, draw, sample(rows), top_k=40)
    inside = [
        each for each in labels if not each.number and each.lines[0][0] == 'r'
    ]
    numbered = [each for each in labels if each.number]
    assert len(inside) + len(numbered) > 35 and len(numbered) > 5
    sizes = [each.box[2:] - each.box[:2] for each in inside]
    assert np.prod(sizes, axis=1).sum() <= 0.15 * (2 * 720) * (2 * 514)
    assert numbered[0].lines == ['1 · ride horse 90']
