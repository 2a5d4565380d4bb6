import math

import pytest
import torch
import torch.nn.functional as F

from clhoi_mm.models.heads import Context, ContextScorer
from tests.test_models.utils import build
from tests.test_models.utils_targets import make_targets

A, B, C, D, E, G = torch.eye(6)
# Logarithm of the inverse temperature 1/0.2.
LOG_SCALE = torch.tensor(math.log(5.0))


def make_loss(**options):
    cfg = dict(
        type='ContextDistillLoss',
        text_dim=6,
        queue_size=0,
        target_temperature=0.01,
    )
    return build(cfg | options)


def run(loss, context, targets, log_scale=LOG_SCALE):
    return loss(context, targets, log_scale)


def make_context(batch=3, tokens=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(batch, 6, generator=generator, requires_grad=True)
    words = torch.randn(
        batch, tokens, 6, generator=generator, requires_grad=True
    )
    return Context(
        tokens=words,
        token_embeds=F.normalize(words, dim=-1),
        image_embed=F.normalize(images, dim=-1),
    )


def test_equals_info_nce_for_different_captions():
    context = make_context()
    captions = torch.stack([A, B, C])
    losses = run(make_loss(), context, make_targets(captions=captions))
    logits = context.image_embed @ captions.T / 0.2
    own = torch.arange(3)
    expected = (
        F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)
    ) / 2
    torch.testing.assert_close(losses['loss_context'], expected)
    recall = (logits.argmax(1) == own).float().mean()
    torch.testing.assert_close(losses['context_recall'], recall)


def test_equal_captions_share_the_target():
    context = make_context()
    captions = torch.stack([A, A, B])
    losses = run(make_loss(), context, make_targets(captions=captions))
    logits = context.image_embed @ captions.T / 0.2
    target = torch.tensor([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    expected = (
        -(target * logits.log_softmax(1)).sum(1).mean()
        - (target * logits.T.log_softmax(1)).sum(1).mean()
    )
    torch.testing.assert_close(losses['loss_context'], expected / 2)


def test_images_without_caption_are_not_negatives():
    context = make_context()
    captions = torch.stack([A, torch.zeros(6), C])
    has_caption = torch.tensor([True, False, True])
    losses = run(
        make_loss(),
        context,
        make_targets(captions=captions, has_caption=has_caption),
    )
    logits = (context.image_embed @ captions.T / 0.2)[has_caption]
    logits = logits[:, has_caption]
    own = torch.arange(2)
    expected = (
        F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)
    ) / 2
    torch.testing.assert_close(losses['loss_context'], expected)


def test_sentences_are_scored_by_their_best_token():
    context = make_context(batch=2)
    sentences = torch.stack([torch.stack([A, B]), torch.stack([C, D])])
    mask = torch.tensor([[True, True], [True, False]])
    losses = run(
        make_loss(),
        context,
        make_targets(
            captions=torch.stack([A, C]),
            sentences=sentences,
            has_sentence=mask,
        ),
    )
    expected = []
    for image, sentence in ((0, A), (0, B), (1, C)):
        logits = torch.stack(
            [
                (tokens @ sentence).max() / 0.2
                for tokens in context.token_embeds
            ]
        )
        expected.append(-logits.log_softmax(0)[image])
    torch.testing.assert_close(losses['loss_sentence'], sum(expected) / 3)


def test_sentence_of_two_images_is_positive_for_both():
    context = make_context(batch=2)
    losses = run(
        make_loss(),
        context,
        make_targets(
            captions=torch.stack([A, C]),
            sentences=torch.stack([A, A])[:, None],
        ),
    )
    logits = (context.token_embeds @ A).max(1)[0] / 0.2
    expected = -logits.log_softmax(0).mean()
    torch.testing.assert_close(losses['loss_sentence'], expected)


def test_weights():
    targets = make_targets(
        captions=torch.stack([A, B, C]),
        sentences=torch.stack([A, B, C])[:, None],
    )
    plain = run(make_loss(), make_context(), targets)
    weighed = run(
        make_loss(global_weight=2.0, fine_weight=3.0), make_context(), targets
    )
    for key, weight in (
        ('loss_context', 2),
        ('loss_sentence', 3),
        ('context_recall', 1),
    ):
        torch.testing.assert_close(weighed[key], weight * plain[key])


def test_queue_fills_newest_first_and_drops_the_oldest():
    loss = make_loss(queue_size=4).train()
    masks = ([False, True], [True, True], [True, True])
    for captions, mask, expected in (
        ((A, B), masks[0], [B]),
        ((C, D), masks[1], [C, D, B]),
        ((E, G), masks[2], [E, G, C, D]),
    ):
        run(
            loss,
            make_context(2),
            make_targets(
                captions=torch.stack(captions), has_caption=torch.tensor(mask)
            ),
        )
        assert loss.queue_filled == len(expected)
        torch.testing.assert_close(
            loss.queue[: len(expected)], torch.stack(expected)
        )
    assert {'queue', 'queue_filled'} == loss.state_dict().keys()


def test_queue_smaller_than_a_batch():
    loss = make_loss(queue_size=2).train()
    run(loss, make_context(3), make_targets(captions=torch.stack([A, B, C])))
    torch.testing.assert_close(loss.queue, torch.stack([A, B]))
    assert loss.queue_filled == 2


def test_queue_adds_negatives_to_one_direction_once_filled():
    loss = make_loss(queue_size=4).train()
    context = make_context(2)
    targets = make_targets(captions=torch.stack([A, B]))
    first = run(loss, context, targets)['loss_context']
    torch.testing.assert_close(
        first, run(make_loss(), context, targets)['loss_context']
    )
    other = make_targets(captions=torch.stack([C, D]))
    second = run(loss, context, other)['loss_context']
    own = torch.arange(2)
    to_text = context.image_embed @ torch.stack([C, D, A, B]).T / 0.2
    to_image = torch.stack([C, D]) @ context.image_embed.T / 0.2
    torch.testing.assert_close(
        second,
        (F.cross_entropy(to_text, own) + F.cross_entropy(to_image, own)) / 2,
    )


def test_eval_mode_does_not_change_the_queue():
    loss = make_loss(queue_size=4).eval()
    run(loss, make_context(2), make_targets(captions=torch.stack([A, B])))
    assert loss.queue_filled == 0


def test_temperature_is_learned_and_bounded():
    loss = make_loss()
    log_scale = ContextScorer(temperature=0.1).log_scale
    assert math.isclose(log_scale.exp().item(), 10, rel_tol=1e-5)
    targets = make_targets(captions=torch.stack([A, B, C]))
    run(loss, make_context(), targets, log_scale)['loss_context'].backward()
    assert log_scale.grad.abs() > 0
    bound, beyond = (
        run(loss, make_context(), targets, torch.tensor(value))['loss_context']
        for value in (math.log(100.0), 10.0)
    )
    torch.testing.assert_close(beyond, bound)


@pytest.mark.parametrize('queue_size', [0, 4])
def test_zero_loss_without_captions_has_gradients(queue_size):
    loss = make_loss(queue_size=queue_size).train()
    context = make_context(2)
    targets = make_targets(
        captions=torch.zeros(2, 6), has_caption=torch.zeros(2).bool()
    )
    log_scale = LOG_SCALE.clone().requires_grad_()
    losses = run(loss, context, targets, log_scale)
    assert losses['loss_context'] == losses['loss_sentence'] == 0
    grads = torch.autograd.grad(
        losses['loss_context'] + losses['loss_sentence'],
        [context.image_embed, context.token_embeds, log_scale],
    )
    assert all((g == 0).all() for g in grads)
    assert loss.queue_filled == 0
