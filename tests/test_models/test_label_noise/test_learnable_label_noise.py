import math

import pytest
import torch
import torch.nn.functional as F

from clhoi_mm.models import PhraseClassifier
from clhoi_mm.models.label_noise import LearnableLabelNoise
from clhoi_mm.registry import MODELS
from tests.test_models.utils import (
    ENCODER,
    FEED,
    HOLD_BIKE,
    HOLD_DOG,
    HUG_DOG,
    NO_BIKE,
    NO_DOG,
    PARK,
    PERSON,
    RIDE,
    TEXT_DIM,
    VOCABULARY,
    build,
    make_pairs,
    total,
)
from tests.test_models.utils_interactions import (
    make_image_targets,
    make_interactions,
)
from tests.test_models.utils_interactions import (
    make_loss as make_loss_with_noise,
)

CLASSES = VOCABULARY.num_hois


def make_noise(**options) -> LearnableLabelNoise:
    cfg = dict(
        type='LearnableLabelNoise',
        vocabulary=PARK,
        warmup=0,
        recall=0.6,
        confusion=0.2,
        false_positive=0.05,
    )
    return MODELS.build(cfg | options)


@pytest.fixture(scope='module')
def phrases():
    table = PhraseClassifier(PARK, ENCODER, TEXT_DIM)
    table.encode_phrases()
    return table


def test_initial_rates_are_those_given():
    noise = make_noise()
    transition_matrix, chance = (
        noise.transition_matrix(),
        noise.transition_probs()[1].detach(),
    )
    assert transition_matrix[RIDE, RIDE] == pytest.approx(0.6)
    assert transition_matrix[RIDE, HOLD_BIKE] == pytest.approx(0.2)
    assert transition_matrix[RIDE, FEED] == 0
    assert not transition_matrix[[NO_BIKE, NO_DOG]].any()
    assert not transition_matrix[:, [NO_BIKE, NO_DOG]].any()
    assert chance.shape == (CLASSES,)
    assert chance[RIDE] == pytest.approx(0.05)


def test_likelihood_by_hand():
    """Riding is labeled and likely, holding is possible."""
    noise = make_noise()
    ride, hold = 0.7, 0.2
    none = torch.zeros(1, CLASSES)
    none[0, RIDE], none[0, HOLD_BIKE] = math.log(1 - ride), math.log(1 - hold)
    said = torch.zeros(1, CLASSES)
    said[0, RIDE] = 1.0
    noise.scores.copy_(torch.tensor([10.0, 10.0]))
    loss = noise.nll(none, said)[0].detach()
    silent = (1 - 0.6 * ride) * (1 - 0.05) * (1 - 0.2 * hold)
    assert loss[RIDE] == pytest.approx(-math.log(1 - silent), rel=1e-5)
    unsaid = (1 - 0.6 * hold) * (1 - 0.05) * (1 - 0.2 * ride)
    assert loss[HOLD_BIKE] == pytest.approx(-math.log(unsaid), rel=1e-5)


def test_prior_of_the_rates_by_hand():
    """Beta(0.8, 2.2) at 0.2 for each pair of verbs."""
    noise = make_noise(prior_weight=0.5)
    links = int((~noise.is_own).sum())
    assert links
    expected = -0.5 * links * (-0.2 * math.log(0.2) + 1.2 * math.log(0.8))
    assert prior_of(noise).item() == pytest.approx(expected, rel=1e-5)


def test_finds_a_systematic_confusion_by_gradient():
    """The teacher labels hugging for feeding; the rate is recovered."""
    generator = torch.Generator().manual_seed(0)
    noise = make_noise(recall=0.8, confusion=0.05)
    optimizer = torch.optim.Adam(noise.parameters(), 1e-2)
    truth = torch.tensor([[0.8, 0.0, 0.6], [0.0, 0.8, 0.0], [0.0, 0.0, 0.8]])
    names = [FEED, HOLD_DOG, HUG_DOG]
    for _ in range(300):
        done = torch.randint(3, (32,), generator=generator)
        transition_probs = 1 - (1 - truth[done]) * (1 - 0.05)
        said = torch.zeros(32, CLASSES)
        said[:, names] = (
            torch.rand(32, 3, generator=generator) < transition_probs
        ).float()
        yes = torch.full((32, CLASSES), 1e-3)
        yes[torch.arange(32), torch.tensor(names)[done]] = 0.98
        log_prob_negative_bag = torch.log1p(-yes)
        noise.update(log_prob_negative_bag, said, torch.ones_like(said).bool())
        loss = noise.nll(log_prob_negative_bag, said)[:, names].mean()
        optimizer.zero_grad()
        (loss + prior_of(noise)).backward()
        optimizer.step()
    found = noise.transition_matrix()[names][:, names]
    assert found[0, 2] == pytest.approx(0.6, abs=0.12)
    assert found[1:, 0].max() < 0.1 and found[0, 1] < 0.1


@pytest.mark.parametrize('logit', [-60.0, 0.0, 60.0])
@pytest.mark.parametrize('score', [0.0, 1e-6, 0.5, 1.0])
def test_finite_with_saturated_logits(logit, score):
    noise = make_noise()
    logits = torch.full((2, CLASSES), logit, requires_grad=True)
    log_prob_negative_bag = F.logsigmoid(-logits)
    said = torch.full((2, CLASSES), score)
    possible = torch.ones(2, CLASSES, dtype=torch.bool)
    assert noise.update(log_prob_negative_bag.detach(), said, possible) is None
    assert noise.iterations == 1
    (noise.nll(log_prob_negative_bag, said).sum() + prior_of(noise)).backward()
    assert logits.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in noise.parameters())


def test_finite_with_extreme_rates():
    noise = make_noise()
    for param in noise.parameters():
        param.data.fill_(9.0)
    logits = torch.full((1, CLASSES), 60.0, requires_grad=True)
    for said in (torch.zeros(1, CLASSES), torch.ones(1, CLASSES)):
        loss = noise.nll(F.logsigmoid(-logits), said).sum()
        (loss + prior_of(noise)).backward()
        assert loss.isfinite() and logits.grad.isfinite().all()
        assert all(p.grad.isfinite().all() for p in noise.parameters())


def prior_of(noise):
    (loss,) = noise.prior_losses(torch.tensor(True)).values()
    return loss


def make_loss(warmup):
    return make_loss_with_noise(
        dict(type='LearnableLabelNoise', vocabulary=PARK, warmup=warmup),
    )


def test_rates_change_only_after_warmup(phrases):
    """Before, gradients are zero but exist, for DistributedDataParallel."""
    pairs = make_pairs(
        [[(PERSON, 0.9, (0, 0, 10, 10)), (1, 0.8, (5, 5, 20, 20))]]
    )
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    moved = []
    for warmup in (1, 0):
        loss = make_loss(warmup)
        losses = loss(make_interactions(pairs), pairs, targets, phrases)
        total(losses).backward()
        moved.append(
            [p.grad.abs().sum().item() for p in loss.noise.parameters()]
        )
    assert moved[0] == [0.0, 0.0]
    assert all(amount > 0 for amount in moved[1])


def test_annotations_skip_the_noise_model(phrases):
    pairs = make_pairs(
        [[(PERSON, 0.9, (0, 0, 10, 10)), (1, 0.8, (5, 5, 20, 20))]]
    )
    targets = make_image_targets(phrases, [(RIDE, 1.0)])
    targets.is_exhaustive = True
    loss = make_loss(0)
    interactions = make_interactions(pairs)
    value = loss(interactions, pairs, targets, phrases)
    plain = build(dict(type='InteractionDistillLoss'))
    torch.testing.assert_close(
        value, plain(interactions, pairs, targets, phrases)
    )
    total(value).backward()
    assert all(p.grad is None for p in loss.noise.parameters())


def test_without_pairs_only_the_prior_loss_remains(phrases):
    pairs = make_pairs([[(PERSON, 0.9, (0, 0, 10, 10))]])
    loss = make_loss(0)
    losses = loss(
        make_interactions(pairs),
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )
    torch.testing.assert_close(total(losses), prior_of(loss.noise))
    total(losses).backward()
    assert all(p.grad.isfinite().all() for p in loss.noise.parameters())
