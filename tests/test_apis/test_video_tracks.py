"""Tracks of a video and their smoothed scores."""

import pytest
import torch
from mmengine.structures import InstanceData

from clhoi_mm.apis.score_smoother import ScoreSmoother
from clhoi_mm.apis.video_tracks import VideoTracks
from clhoi_mm.structures import HOIDataSample

PERSON, DOG = 0, 1
NOWHERE = [float('nan')] * 4


def box(x, y=40.0):
    return [x, y, x + 30.0, y + 60.0]


def frame(boxes, said=()):
    """Build a sample from box rows and interaction rows."""
    bboxes = torch.tensor([b for _, b, _ in boxes]).reshape(-1, 4)
    labels = torch.tensor([label for label, _, _ in boxes]).long()
    scores = torch.tensor([s for *_, s in boxes])
    sample = HOIDataSample(metainfo=dict(ori_shape=(160, 224)))
    sample.pred_instances = InstanceData(
        bboxes=bboxes, labels=labels, scores=scores
    )
    persons, objects, verbs = (
        torch.tensor([row[i] for row in said]).long() for i in range(3)
    )
    nothing = objects < 0
    object_bboxes = bboxes[objects] if len(said) else torch.zeros(0, 4)
    object_bboxes[nothing] = torch.nan
    sample.pred_hois = InstanceData(
        human_bboxes=bboxes[persons] if len(said) else torch.zeros(0, 4),
        object_bboxes=object_bboxes,
        object_labels=labels[objects].masked_fill(nothing, -1)
        if len(said)
        else torch.zeros(0).long(),
        verb_labels=verbs,
        hoi_labels=verbs.masked_fill(nothing, -1),
        scores=torch.tensor([float(row[3]) for row in said]),
        human_scores=scores[persons] if len(said) else torch.zeros(0),
        object_scores=scores[persons] if len(said) else torch.zeros(0),
    )
    return sample


def tracks_of(sample):
    """Return labels, ids and left edges of a frame's tracks."""
    tracks = sample.tracks
    return [
        (int(label), int(number), round(float(b[0])))
        for label, number, b in zip(tracks.labels, tracks.ids, tracks.bboxes)
    ]


def test_ids_follow_moving_persons():
    tracks = VideoTracks(rate=10)
    for i in range(8):
        # Two persons walk towards each other in two lanes, past a dog; the
        # order of detections changes.
        boxes = [
            (PERSON, box(10.0 + 12 * i), 0.9),
            (PERSON, box(150.0 - 12 * i, 120.0), 0.8),
            (DOG, box(80.0, 200.0), 0.7),
        ]
        found = tracks.update(frame(boxes[:: 1 if i % 2 else -1]))
        assert tracks_of(found) == [
            (PERSON, *sorted([(2, 10 + 12 * i), (1, 150 - 12 * i)])[0]),
            (PERSON, *sorted([(2, 10 + 12 * i), (1, 150 - 12 * i)])[1]),
            (DOG, 1, 80),
        ]


def test_disappearing_and_reappearing_persons():
    tracks = VideoTracks(rate=10)
    here = (PERSON, box(10.0), 0.9)
    for _ in range(4):
        assert tracks_of(tracks.update(frame([here]))) == [(PERSON, 1, 10)]
    # The id survives half a second of occlusion, not two seconds.
    for _ in range(5):
        assert tracks_of(tracks.update(frame([]))) == []
    assert tracks_of(tracks.update(frame([here]))) == [(PERSON, 1, 10)]
    for _ in range(20):
        tracks.update(frame([]))
    tracks.update(frame([here]))
    assert tracks_of(tracks.update(frame([here]))) == [(PERSON, 2, 10)]
    # A simultaneous box elsewhere starts another track in frame two.
    other = (PERSON, box(150.0), 0.9)
    assert tracks_of(tracks.update(frame([here, other]))) == [(PERSON, 2, 10)]
    assert tracks_of(tracks.update(frame([here, other]))) == [
        (PERSON, 2, 10),
        (PERSON, 3, 150),
    ]
    # A dog at the person's position does not continue the track.
    tracks.update(frame([(DOG, box(10.0), 0.9)]))
    assert (DOG, 1, 10) in tracks_of(
        tracks.update(frame([(DOG, box(10.0), 0.9)]))
    )


def test_weak_boxes_continue_but_never_start_tracks():
    tracks = VideoTracks(rate=10)
    strong, weak = (PERSON, box(10.0), 0.9), (PERSON, box(11.0), 0.2)
    for _ in range(2):
        tracks.update(frame([strong]))
    assert tracks_of(tracks.update(frame([weak]))) == [(PERSON, 1, 11)]
    far = (PERSON, box(150.0), 0.2)
    for _ in range(3):
        assert tracks_of(tracks.update(frame([strong, far]))) == [
            (PERSON, 1, 10)
        ]


def scores(sample):
    hois = sample.pred_hois
    return {
        (int(p), int(o), int(v)): float(s)
        for p, o, v, s in zip(
            hois.sub_ids, hois.obj_ids, hois.verb_labels, hois.scores
        )
    }


def test_flicker_is_smoothed_and_gaps_are_bridged():
    tracks = VideoTracks(rate=10, half_life=0.1)
    pair = [(PERSON, box(10.0), 0.9), (DOG, box(60.0), 0.9)]
    # A frame's weight halves with each later frame.
    given = (0.8, 0.8, 0.0, 0.8)
    expected = (0.8, 0.8, 0.8 * 3 / 7, 0.8 * 11 / 15)
    for score, mean in zip(given, expected):
        found = tracks.update(frame(pair, [(0, 1, 3, score)] * (score > 0)))
        assert scores(found) == {(1, 1, 3): pytest.approx(mean)}
    # The dog is missed in three frames: the interaction remains, with the
    # dog's predicted box.
    for _ in range(3):
        found = tracks.update(frame(pair[:1]))
        assert scores(found) == {(1, 1, 3): pytest.approx(mean)}
        assert found.pred_hois.object_bboxes[0].tolist() == pytest.approx(
            box(60.0), abs=2
        )
        assert tracks_of(found) == [(PERSON, 1, 10)]
    assert scores(tracks.update(frame(pair[:1]))) == {}


def test_single_wrong_frame_has_no_effect():
    tracks = VideoTracks(rate=25)
    pair = [(PERSON, box(10.0), 0.9), (DOG, box(60.0), 0.9)]
    for i in range(30):
        said = [(0, 1, 3, 0.8), (0, 1, 4, 0.9 if i == 15 else 0.01)]
        found = scores(tracks.update(frame(pair, said)))
        assert found[1, 1, 3] == pytest.approx(0.8)
        assert found[1, 1, 4] < 0.13


def test_roleless_actions_and_sorting_by_score():
    tracks = VideoTracks(rate=10, max_per_img=2)
    pair = [(PERSON, box(10.0), 0.9), (DOG, box(60.0), 0.8)]
    said = [(0, 1, 3, 0.5), (0, -1, 5, 0.9), (0, 1, 4, 0.2)]
    found = tracks.update(frame(pair, said)).pred_hois
    assert found.verb_labels.tolist() == [5, 3]
    assert found.object_labels.tolist() == [-1, DOG]
    assert found.obj_ids.tolist() == [0, 1]
    assert found.hoi_labels.tolist() == [-1, 3]
    assert torch.isnan(found.object_bboxes[0]).all()
    assert found.object_bboxes[1].tolist() == box(60.0)
    assert found.object_scores.tolist() == pytest.approx([0.0, 0.8])


def test_videos_without_persons():
    tracks = VideoTracks()
    for _ in range(3):
        found = tracks.update(frame([]))
        assert len(found.tracks) == len(found.pred_hois) == 0


def test_without_half_life_scores_are_unchanged():
    smoother = ScoreSmoother(half_life=0.0, patience=1.0)
    for score in (0.2, 0.9, 0.4):
        smoother.update({'pair': {'ride': score}}, ['pair'], 0.1)
        assert smoother.means() == {'pair': {'ride': pytest.approx(score)}}
