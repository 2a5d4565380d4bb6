import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from clhoi_mm.models import HumanObjectPairing
from clhoi_mm.models.task_modules.pairing import rank_in_group, top_in_group
from tests.test_models.utils import (
    BIKE,
    CAR,
    DOG,
    PERSON,
    SCENE,
    make_detections,
)

SIZES = torch.tensor([[96.0, 64.0], [48.0, 32.0]])


def as_rows(pairs):
    """Return (image, human score, object score) of each pair."""
    return [
        (i, round(h, 3), round(o, 3))
        for i, h, o in zip(
            pairs.pair_inds.tolist(),
            pairs.human_scores.tolist(),
            pairs.object_scores.tolist(),
        )
    ]


def test_rank_in_group_by_hand():
    group = torch.tensor([1, 0, 1, 1, 0])
    priority = torch.tensor([0.5, 0.1, 0.9, 0.5, 0.2])
    assert rank_in_group(group, priority).tolist() == [1, 1, 0, 2, 0]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        max_size=12,
    )
)
def test_rank_in_group_equals_count_of_better_members(rows):
    expected = [
        sum(
            g == group and (p > priority or (p == priority and j < i))
            for j, (g, p) in enumerate(rows)
        )
        for i, (group, priority) in enumerate(rows)
    ]
    ranks = rank_in_group(
        torch.tensor([g for g, _ in rows], dtype=torch.long),
        torch.tensor([p for _, p in rows]),
    )
    assert ranks.tolist() == expected


def test_top_in_group_by_hand():
    group = torch.tensor([1, 0, 1, 1, 0])
    priority = torch.tensor([0.5, 0.1, 0.9, 0.5, 0.2])
    for limit, expected in ((1, [4, 2]), (2, [4, 1, 2, 0]), (0, [])):
        assert top_in_group(group, priority, limit).tolist() == expected


def test_pairs_by_hand():
    other = make_detections(
        [(DOG, 0.5, (0, 0, 5, 5)), (PERSON, 0.4, (1, 1, 9, 9))]
    )
    pairs = HumanObjectPairing()([make_detections(SCENE[:4]), other], SIZES)
    # A person can be another's object, never its own; sorted by product.
    assert as_rows(pairs) == [
        (0, 0.9, 0.8),  # .72
        (0, 0.9, 0.7),  # .63
        (0, 0.7, 0.9),  # .63, later in the detections
        (0, 0.7, 0.8),  # .56
        (0, 0.9, 0.6),  # .54
        (0, 0.7, 0.6),  # .42
        (1, 0.4, 0.5),
    ]
    assert pairs.num_pairs == [6, 1]
    assert pairs.num_images == 2
    assert len(pairs) == 7
    assert pairs.object_labels.tolist() == [
        BIKE,
        PERSON,
        PERSON,
        BIKE,
        DOG,
        DOG,
        DOG,
    ]
    torch.testing.assert_close(
        pairs.union_bboxes[0], torch.tensor([4.0, 8.0, 50.0, 62.0])
    )
    torch.testing.assert_close(
        pairs.human_bboxes[-1], torch.tensor([1.0, 1.0, 9.0, 9.0])
    )
    torch.testing.assert_close(
        pairs.object_bboxes[-1], torch.tensor([0.0, 0.0, 5.0, 5.0])
    )
    # Swapping the roles of two persons keeps their union.
    one, union = pairs.distinct_unions()
    assert len(one) == 6 and union[1] == union[2]
    assert torch.equal(pairs.union_bboxes[one][union], pairs.union_bboxes)
    assert torch.equal(pairs.pair_inds[one][union], pairs.pair_inds)
    slots, width = pairs.slots()
    assert width == 6
    assert slots.tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_padding_fits_the_image_with_most_pairs():
    one = make_detections([SCENE[0], SCENE[1]])
    full = make_detections(SCENE[:4])
    pairs = HumanObjectPairing()([one, full], SIZES)
    slots, width = pairs.slots()
    assert (width, slots.tolist()) == (6, [0, 6, 7, 8, 9, 10, 11])


@pytest.mark.parametrize(
    'options, expected',
    [
        (
            dict(score_thr=0.65),
            [(0.9, 0.8), (0.9, 0.7), (0.7, 0.9), (0.7, 0.8)],
        ),
        (dict(max_humans=1), [(0.9, 0.8), (0.9, 0.6)]),
        (
            dict(max_objects=1),
            [(0.9, 0.8), (0.9, 0.7), (0.7, 0.9), (0.7, 0.8)],
        ),
        (dict(max_pairs=2), [(0.9, 0.8), (0.9, 0.7)]),
        (dict(person_label=DOG), [(0.6, 0.9), (0.6, 0.8), (0.6, 0.7)]),
    ],
)
def test_max_pairs_by_hand(options, expected):
    pairs = HumanObjectPairing(**options)(
        [make_detections(SCENE[:4])], SIZES[:1]
    )
    assert [row[1:] for row in as_rows(pairs)] == expected


def test_limits_apply_per_image():
    pairs = HumanObjectPairing(max_humans=1, max_pairs=1)(
        [make_detections(SCENE)] * 2, SIZES
    )
    assert pairs.num_pairs == [1, 1]


def test_objects_without_hoi_classes_and_unknown_labels():
    is_candidate = torch.tensor([True, True, False, True, False])
    rows = [*SCENE, (-1, 0.99, (0, 0, 9, 9))]
    pairs = HumanObjectPairing()(
        [make_detections(rows)], SIZES[:1], is_candidate
    )
    assert set(pairs.object_labels.tolist()) == {PERSON, BIKE}
    assert (pairs.labels >= 0).all()
    assert CAR in pairs.labels


def test_extra_fields_are_ignored_and_sizes_set_the_device():
    detections = make_detections(SCENE)
    detections = InstanceData(**detections, query_inds=torch.arange(5))
    pairs = HumanObjectPairing()([detections], SIZES[:1])
    assert pairs.boxes.device == SIZES.device
    torch.testing.assert_close(pairs.image_sizes, SIZES[:1])


def test_query_embeds_follow_their_boxes():
    detections = [make_detections(SCENE), make_detections(SCENE[::-1])]
    with_states = [
        InstanceData(
            **d, query_embeds=torch.cat([d.bboxes, d.scores[:, None]], 1)
        )
        for d in detections
    ]
    pairing = HumanObjectPairing(score_thr=0.65, max_humans=1)
    pairs = pairing(with_states, SIZES[:2])
    assert 0 < len(pairs.boxes) < 2 * len(SCENE)
    torch.testing.assert_close(pairs.query_embeds[:, :4], pairs.boxes)
    torch.testing.assert_close(pairs.query_embeds[:, 4], pairs.scores)
    assert pairing(detections, SIZES[:2]).query_embeds is None
    # An image without query embeddings, as from a detection file.
    mixed = [with_states[0], detections[1]]
    assert pairing(mixed, SIZES[:2]).query_embeds is None


@pytest.mark.parametrize('rows', [(), [SCENE[0]], [SCENE[1], SCENE[3]]])
def test_no_candidate_pairs(rows):
    pairs = HumanObjectPairing()([make_detections(rows)] * 2, SIZES)
    assert len(pairs) == 0
    assert pairs.num_pairs == [0, 0]
    assert pairs.boxes.shape == (2 * len(rows), 4)
    assert pairs.union_bboxes.shape == (0, 4)
    assert [len(x) for x in pairs.distinct_unions()] == [0, 0]
    slots, width = pairs.slots()
    assert (slots.numel(), width) == (0, 1)
