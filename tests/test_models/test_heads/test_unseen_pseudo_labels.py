import pytest
import torch

from tests.test_models.utils import (
    BENCH,
    BIKE,
    DOG,
    HOLD_BIKE,
    NO_BIKE,
    NO_DOG,
    RIDE,
    SCENE,
    SIT,
    TEXT_DIM,
    VOCABULARY,
    make_pairs,
    make_sample,
    make_teacher_head,
)

# Unseen: all classes of benches, and one verb of the bicycle.
UNSEEN = [HOLD_BIKE, SIT]
HUG_VERB, SIT_VERB = (VOCABULARY.verb_label(v) for v in ('hug', 'sit_on'))


def make_head(supervision, unseen=UNSEEN):
    return make_teacher_head(supervision=supervision, unseen=unseen)


def test_pseudo_labels_of_unseen_classes_are_dropped_with_captions():
    pseudo_labels = (
        (RIDE, BIKE, 0.9),
        (HOLD_BIKE, BIKE, 0.8),
        (NO_BIKE, BIKE, 0.4),
    )
    samples = [
        make_sample(pseudo_labels=pseudo_labels),
        make_sample(pseudo_labels=pseudo_labels[::2]),
        make_sample(pseudo_labels=pseudo_labels[1:2]),
    ]
    targets = make_head('vllm')(samples)
    assert targets.hois.tolist() == [
        [RIDE, NO_BIKE],
        [RIDE, NO_BIKE],
        [-1, -1],
    ]
    torch.testing.assert_close(targets.weights[0], torch.tensor([0.9, 0.4]))
    assert targets.image_targets[:, HOLD_BIKE].tolist() == [0, 0, 0]
    assert targets.has_caption.tolist() == [False, True, False]
    assert targets.has_sentence.sum(1).tolist() == [0, 2, 0]
    # All images still have an answer.
    assert targets.is_labeled.all()
    plain = make_head('vllm', None)(samples)
    assert plain.hois.tolist()[2] == [HOLD_BIKE, -1, -1]
    assert plain.has_caption.all()


def test_labels_outside_the_vocabulary_may_be_unseen():
    """An unseen verb, an unseen object, and a seen class."""
    pseudo_labels = (
        (-1, DOG, 0.5),
        (-1, BENCH, 0.6),
        (-1, DOG, 0.7),
        (-1, -1, 0.8),
    )
    sample = make_sample(pseudo_labels=pseudo_labels)
    sample.teacher.verb_labels[:3] = torch.tensor(
        [SIT_VERB, HUG_VERB, HUG_VERB]
    )
    targets = make_head('vllm')([sample])
    torch.testing.assert_close(targets.weights[0], torch.tensor([0.7, 0.8]))
    assert targets.objects[0].tolist() == [DOG, -1]


@pytest.mark.parametrize('supervision', ['image', 'instance'])
def test_annotations_of_unseen_classes_are_dropped(supervision):
    hois = ((0, 1, RIDE), (0, 1, HOLD_BIKE), (2, 1, HOLD_BIKE), (2, 3, NO_DOG))
    samples = [make_sample(hois=hois), make_sample(hois=hois[2:3])]
    head = make_head(supervision)
    targets = head(samples, make_pairs([SCENE, SCENE]))
    assert targets.hois.tolist() == [[RIDE, NO_DOG], [-1, -1]]
    assert targets.has_caption.tolist() == [True, False]
    assert not targets.image_targets[:, UNSEEN].any()
    if supervision == 'instance':
        assert targets.pair_labels.sum(0).nonzero().flatten().tolist() == [
            RIDE,
            NO_DOG,
        ]
    head.broadcast_image_labels = True
    copied = head(samples, make_pairs([SCENE, SCENE])).pair_labels
    assert copied[:, RIDE].any() and not copied[:, UNSEEN].any()


def test_batches_without_any_label():
    targets = make_head('vllm')([make_sample(pseudo_labels=())] * 2)
    assert targets.weights.shape == (2, 0)
    assert not targets.image_targets.any()
    lost = make_head('vllm')([make_sample(pseudo_labels=((SIT, BENCH, 0.9),))])
    assert lost.phrases.shape == (1, 0, TEXT_DIM)
    assert not lost.has_caption.any()
