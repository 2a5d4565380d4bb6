"""Unseen classes have no effect on training."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from clhoi_mm.models import PhraseClassifier
from tests.test_models.utils import (
    BENCH,
    BIKE,
    DOG,
    ENCODER,
    HOLD_BIKE,
    HOLD_DOG,
    HUG_DOG,
    NO_BIKE,
    PARK,
    PERSON,
    RIDE,
    SIT,
    TEXT_DIM,
    VOCABULARY,
    build,
    make_pairs,
    make_sample,
    make_teacher_head,
    total,
)
from tests.test_models.utils_interactions import make_loss

# Unseen: a verb of the bicycle, one of the dog, all of benches.
UNSEEN = [HOLD_BIKE, HUG_DOG, SIT]
BOX = (10.0, 10.0, 30.0, 40.0)
FAR = (20.0, 12.0, 50.0, 60.0)
SCENE = [
    (PERSON, 0.9, BOX),
    (BIKE, 0.8, FAR),
    (PERSON, 0.8, FAR),
    (DOG, 0.7, BOX),
    (BENCH, 0.9, FAR),
]
WORDS = (
    (RIDE, BIKE, 0.9),
    (NO_BIKE, BIKE, 0.5),
    (HOLD_DOG, DOG, 0.6),
    (HOLD_BIKE, BIKE, 0.8),
    (SIT, BENCH, 0.7),
)


def learn(supervision, noise, by_verb, embeds_of_unseen=None, unseen=UNSEEN):
    """Return one step's losses and the gradients of all parameters."""
    head = make_teacher_head(supervision=supervision, unseen=unseen)
    table = head.classifier
    table.encode_phrases()
    if embeds_of_unseen is not None:
        table.hoi_embeds[UNSEEN] = embeds_of_unseen
        table.hoi_phrases[UNSEEN] = embeds_of_unseen
    icn = build(
        dict(
            type='ICN',
            text_dim=TEXT_DIM,
            embed_dims=16,
            num_heads=2,
            with_context=False,
            verbwise_interactiveness=by_verb,
        )
    )
    loss = make_loss(
        noise and dict(type=noise, vocabulary=PARK, warmup=0),
        contrast=dict(type='PairContrastLoss'),
    )
    hois = ((0, 1, RIDE), (2, 3, HOLD_DOG), (2, 1, HOLD_BIKE), (0, 4, SIT))
    samples = [
        make_sample(SCENE, WORDS, hois),
        make_sample(SCENE[:4], WORDS[1:4], hois[1:3]),
    ]
    pairs = make_pairs([SCENE, SCENE[:4]])
    for _ in range(2):  # The noise model is warmed up in the second step.
        targets = head(samples, pairs)
        interactions = icn((), pairs, table)
        losses = loss(interactions, pairs, targets, table)
    total(losses).backward()
    params = [*icn.parameters(), *loss.parameters()]
    return losses, [p.grad for p in params if p.grad is not None]


@pytest.mark.parametrize(
    'supervision, noise',
    [
        ('vllm', None),
        ('vllm', 'EMLabelNoise'),
        ('vllm', 'LearnableLabelNoise'),
        ('image', None),
        ('instance', None),
    ],
)
@pytest.mark.parametrize('by_verb', [False, True])
def test_gradients_do_not_depend_on_unseen_classes(
    supervision, noise, by_verb
):
    losses, grads = learn(supervision, noise, by_verb)
    losses.pop('loss_label_noise', None)  # The noise model's own prior.
    assert all(loss > 0 for loss in losses.values())
    others = F.normalize(torch.randn(len(UNSEEN), TEXT_DIM), dim=1)
    again, same = learn(supervision, noise, by_verb, others)
    again.pop('loss_label_noise', None)
    assert again == losses
    assert len(grads) == len(same) > 10
    assert all(map(torch.equal, grads, same))
    # Sanity check: a model that trains these classes does differ.
    named, _ = learn(supervision, noise, by_verb, others, None)
    assert all(named[key] != losses[key] for key in losses)


@pytest.mark.parametrize('by_verb', [False, True])
def test_objects_without_seen_classes_are_unlabeled(by_verb):
    """Interactiveness with a bench has no target."""
    pairs = make_pairs([SCENE])
    of_bench = pairs.object_labels == BENCH
    for supervision in ('vllm', 'instance'):
        head = make_teacher_head(supervision=supervision, unseen=UNSEEN)
        targets = head([make_sample(SCENE, WORDS, ((0, 4, SIT),))], pairs)
        icn = build(
            dict(
                type='ICN',
                text_dim=TEXT_DIM,
                embed_dims=16,
                num_heads=2,
                with_context=False,
                verbwise_interactiveness=by_verb,
            )
        )
        interactions = icn((), pairs, head.classifier)
        logits = interactions.interactiveness.detach().requires_grad_()
        losses = build(dict(type='InteractionDistillLoss'))(
            dataclasses.replace(interactions, interactiveness=logits),
            pairs,
            targets,
            head.classifier,
        )
        (grad,) = torch.autograd.grad(losses['loss_interactiveness'], logits)
        assert not grad[of_bench].any()
        assert grad[~of_bench].any(1).all()


def test_no_interaction_uses_unseen_classes_only_in_testing():
    table = PhraseClassifier(PARK, ENCODER, TEXT_DIM, UNSEEN)
    logits = torch.zeros(1, VOCABULARY.num_hois)
    logits[0, RIDE], logits[0, HOLD_BIKE] = 1.0, 2.0
    valid = table.hoi_objects[None] == BIKE
    assert table.train().score_no_interaction(logits, valid)[0, NO_BIKE] == -1
    assert table.eval().score_no_interaction(logits, valid)[0, NO_BIKE] == -2
