"""Pointed pairs as a prior within their bags."""

import itertools
import math
from dataclasses import replace

import pytest
import torch

from tests.test_models.utils import (
    BIKE,
    DOG,
    FEED,
    HOLD_BIKE,
    PERSON,
    RIDE,
    build,
    make_pairs,
    make_sample,
    make_teacher_head,
    model_cfg,
    total,
)
from tests.test_models.utils_interactions import (
    BOX,
    THREE,
    make_image_targets,
    make_interactions,
    make_loss,
)

PRIOR = dict(type='PointingPrior')


@pytest.fixture(scope='module')
def phrases():
    return make_teacher_head().classifier


def point(targets, pairs, phrases, *pointed):
    """Build pointed pairs from (pair, class) rows."""
    counts = torch.zeros(len(pairs), phrases.hoi_verbs.numel())
    for pair, hoi in pointed:
        counts[pair, hoi] += 1
    return replace(targets, pointed=counts)


def apply(prior, targets, predictions, pairs, phrases):
    """Add the likelihood ratios of pairs."""
    return prior(targets, prior.bags(targets, predictions, pairs, phrases))


@pytest.mark.parametrize('by_class', [True, False])
def test_likelihood_equals_sum_over_all_subsets(phrases, by_class):
    """Pairs in the set are pointed at with the reliability.

    Otherwise the remaining mass is spread over the other pairs.
    """
    pairs = make_pairs([THREE])
    predictions = make_interactions(pairs, by_class=by_class)
    targets = make_image_targets(phrases, [(RIDE, 1.0)])
    loss = make_loss(contrast_weight=0.0, unlabeled_weight=0.0)
    plain = loss(predictions, pairs, targets, phrases)
    prior = build(PRIOR)
    rate = prior.reliability.item()
    assert rate == pytest.approx(0.7)
    given = point(targets, pairs, phrases, (1, RIDE))
    found = apply(prior, given, predictions, pairs, phrases)
    pointed = loss(predictions, pairs, found, phrases)
    score = (pairs.human_scores * pairs.object_scores).tolist()
    column = predictions.interactiveness[:, RIDE if by_class else 0]
    p = [s * x for s, x in zip(score, column.sigmoid().tolist())]

    def likelihood(factor):
        return sum(
            math.prod(x if i in chosen else 1 - x for i, x in enumerate(p))
            * 0.3 ** (len(chosen) - 1)
            * factor(chosen)
            for size in (1, 2, 3)
            for chosen in itertools.combinations(range(3), size)
        )

    other = (1 - rate) / 2
    expected = math.log(likelihood(lambda _: 1)) - math.log(
        likelihood(lambda chosen: rate if 1 in chosen else other) / other
    )
    # The mean over bags with labels.
    bags = 2 if by_class else 1
    difference = (
        pointed['loss_interactiveness'] - plain['loss_interactiveness']
    )
    assert difference.item() * bags == pytest.approx(expected, rel=1e-4)
    assert pointed['loss_mil'] == plain['loss_mil']


def weigh(prior, targets, predictions, pairs, phrases):
    """Return the updated scores of the first image's labels."""
    bags = prior.bags(targets, predictions, pairs, phrases)
    return prior.weigh_labels(prior(targets, bags), bags).image_targets[0]


@pytest.mark.parametrize('answers', [1, 2])
def test_label_odds_by_hand(phrases, answers):
    """A label is likelier if the student agrees with the pointed pair."""
    pairs = make_pairs([THREE])
    predictions = make_interactions(pairs, by_class=True)
    predictions.interactiveness = torch.full_like(
        predictions.interactiveness, -20.0
    )
    predictions.interactiveness[1] = 20.0
    targets = make_image_targets(phrases, [(RIDE, 0.6), (HOLD_BIKE, 0.6)])
    for pair, likelihood in ((1, 0.7), (2, 0.3 / 2)):
        given = point(targets, pairs, phrases, *[(pair, RIDE)] * answers)
        found = weigh(build(PRIOR), given, predictions, pairs, phrases)
        # Three pairs; one third is the likelihood if the label is false.
        odds = 0.6 / 0.4 * (3 * likelihood) ** answers
        assert found[RIDE].item() == pytest.approx(odds / (1 + odds), rel=1e-3)
        assert found[HOLD_BIKE] == targets.image_targets[0, HOLD_BIKE]
        unlabeled = targets.image_targets[0] == 0
        assert not found[unlabeled].any()


@pytest.mark.parametrize('pointed', [(0,), (0, 0), (0, 1), (0, 1, 2)])
def test_label_odds_of_an_unsure_student(phrases, pointed):
    """Answers are independent given the set of interacting pairs."""
    pairs = make_pairs([THREE])
    predictions = make_interactions(pairs, by_class=True)
    targets = make_image_targets(phrases, [(RIDE, 0.6)])
    given = point(targets, pairs, phrases, *[(p, RIDE) for p in pointed])
    found = weigh(build(PRIOR), given, predictions, pairs, phrases)
    score = (pairs.human_scores * pairs.object_scores).tolist()
    column = predictions.interactiveness[:, RIDE].sigmoid().tolist()
    p = [s * x for s, x in zip(score, column)]
    sets = {
        chosen: math.prod(x if i in chosen else 1 - x for i, x in enumerate(p))
        * 0.3 ** (len(chosen) - 1)
        for size in (1, 2, 3)
        for chosen in itertools.combinations(range(3), size)
    }
    whole = sum(sets.values())

    def answer(pair, chosen):
        return 0.7 if pair in chosen else 0.3 / 2

    def mean(factor):
        return sum(x * factor(z) for z, x in sets.items()) / whole

    likelihood = mean(lambda z: math.prod(answer(pair, z) for pair in pointed))
    chance = mean(lambda z: sum(answer(pair, z) for pair in range(3)))
    odds = 1.5 * likelihood * (3 / chance) ** len(pointed)
    assert found[RIDE].item() == pytest.approx(odds / (1 + odds), rel=1e-3)


def test_answers_about_a_bag_of_interacting_pairs_say_nothing(phrases):
    pairs = make_pairs([THREE])
    predictions = make_interactions(pairs, by_class=True)
    predictions.interactiveness = torch.full_like(
        predictions.interactiveness, 30.0
    )
    pairs.scores.fill_(1.0)
    targets = make_image_targets(phrases, [(RIDE, 0.6)])
    given = point(targets, pairs, phrases, (1, RIDE))
    found = weigh(build(PRIOR), given, predictions, pairs, phrases)
    assert found[RIDE].item() == pytest.approx(0.6, abs=1e-3)


@pytest.mark.parametrize('score', [1.0, 0.98, 0.01])
@pytest.mark.parametrize('pair, sign', [(1, 1), (2, -1)])
def test_scores_never_move_against_the_evidence(phrases, score, pair, sign):
    pairs = make_pairs([THREE])
    predictions = make_interactions(pairs, by_class=True)
    predictions.interactiveness = torch.full_like(
        predictions.interactiveness, -2.0
    )
    predictions.interactiveness[1] = -1.8
    targets = make_image_targets(phrases, [(RIDE, score)])
    given = point(targets, pairs, phrases, (pair, RIDE))
    found = weigh(build(PRIOR), given, predictions, pairs, phrases)
    assert sign * (found[RIDE] - score) >= 0


def test_common_interactiveness_is_no_evidence_of_a_verb(phrases):
    pairs = make_pairs([THREE])
    predictions = make_interactions(pairs, by_class=False)
    targets = make_image_targets(phrases, [(RIDE, 0.6)])
    given = point(targets, pairs, phrases, (1, RIDE))
    found = weigh(build(PRIOR), given, predictions, pairs, phrases)
    assert torch.equal(found, targets.image_targets[0])


def test_pointed_pair_is_raised_and_others_lowered(phrases):
    pairs = make_pairs([THREE])
    targets = make_image_targets(phrases, [(RIDE, 1.0)])
    targets = point(targets, pairs, phrases, (2, RIDE))
    grads = {}
    for name, module in dict(plain=None, pointed=build(PRIOR)).items():
        predictions = make_interactions(pairs, by_class=True)
        given = (
            apply(module, targets, predictions, pairs, phrases)
            if module
            else targets
        )
        total(make_loss()(predictions, pairs, given, phrases)).backward()
        grads[name] = predictions.interactiveness.grad[:, RIDE]
    change = (grads['pointed'] - grads['plain']).tolist()
    assert change[2] < 0 < min(change[0], change[1])


def test_single_pairs_and_other_objects_have_no_ratio(phrases):
    scene = [(PERSON, 0.9, BOX), (DOG, 0.8, BOX)]
    pairs = make_pairs([scene, THREE])
    predictions = make_interactions(pairs, by_class=True)
    targets = make_image_targets(phrases, [(FEED, 1.0)], [(HOLD_BIKE, 1.0)])
    # A pointed dog does not match the class's bicycle.
    targets = point(
        targets, pairs, phrases, (0, FEED), (1, FEED), (1, HOLD_BIKE)
    )
    found = apply(build(PRIOR), targets, predictions, pairs, phrases)
    ratio = found.pair_log_ratio
    assert ratio.nonzero().tolist() == [[1, HOLD_BIKE]]
    assert ratio[1, HOLD_BIKE].item() == pytest.approx(math.log(14 / 6 * 2))


@pytest.mark.parametrize('by_class', [True, False])
def test_images_without_pairs_or_pointed_pairs(phrases, by_class):
    empty = make_pairs([[], []])
    targets = make_image_targets(phrases, [(RIDE, 1.0)], [])
    prior = build(PRIOR)
    given = point(targets, empty, phrases)
    predictions = make_interactions(empty, by_class=by_class)
    bags = prior.bags(given, predictions, empty, phrases)
    found = prior(given, bags)
    assert len(found.pair_log_ratio) == 0
    same = prior.weigh_labels(found, bags)
    torch.testing.assert_close(same.image_targets, targets.image_targets)
    prior.update(found, bags, phrases)
    assert prior.counts.tolist() == [0, 0]


@pytest.mark.parametrize('rate', [0.5, 0.9])
def test_em_recovers_the_reliability(phrases, rate):
    """EM recovers the teacher's accuracy from known pairs."""
    generator = torch.Generator().manual_seed(0)
    prior = build(PRIOR)
    scene = [(PERSON, 1.0, BOX), *[(BIKE, 1.0, BOX)] * 4]
    pairs = make_pairs([scene] * 20)
    for _ in range(150):
        acting = torch.randint(4, (20,), generator=generator)
        right = torch.rand(20, generator=generator) < rate
        shift = torch.randint(1, 4, (20,), generator=generator)
        at = torch.where(right, acting, (acting + shift) % 4)
        rows = torch.arange(20) * 4
        predictions = make_interactions(pairs)
        student = torch.full((len(pairs), 1), -4.0)
        student[rows + acting] = 3.0
        predictions.interactiveness = student
        targets = make_image_targets(phrases, *[[(RIDE, 1.0)]] * 20)
        targets = point(
            targets, pairs, phrases, *((p, RIDE) for p in (rows + at).tolist())
        )
        bags = prior.bags(targets, predictions, pairs, phrases)
        prior.update(prior(targets, bags), bags, phrases)
    assert prior.reliability.item() == pytest.approx(rate, abs=0.04)


def pointing_sample(**options):
    sample = make_sample(**options)
    sample.teacher.pointed_labels = torch.tensor([0, 0, 2])
    sample.teacher.pointed_human_bboxes = torch.tensor(
        [[8.0, 8, 40, 60], [0, 0, 5, 5], [50, 4, 80, 60]]
    )
    sample.teacher.pointed_object_bboxes = torch.tensor(
        [[4.0, 30, 50, 60], [4, 30, 50, 62], [4, 30, 50, 62]]
    )
    return sample


def test_head_matches_pointed_boxes_with_candidate_pairs():
    """Match by both boxes and the object.

    Labels outside the vocabulary have no class.
    """
    model = build(model_cfg(pointing=PRIOR))
    samples = [make_sample(pseudo_labels=()), pointing_sample()]
    pairs = model.generate_pairs(torch.zeros(2, 3, 64, 96), [], samples)
    assert model.teacher_head(samples, pairs).pointed is None
    samples[0] = pointing_sample(pseudo_labels=((-1, BIKE, 0.4),) * 3)
    pointed = model.teacher_head(samples, pairs).pointed
    ((pair, hoi),) = pointed.nonzero().tolist()
    assert pointed[pair, hoi] == 1
    assert hoi == RIDE and pairs.pair_inds[pair] == 1
    torch.testing.assert_close(
        pairs.human_bboxes[pair], torch.tensor([8.0, 8, 40, 60])
    )
    assert pairs.object_labels[pair] == BIKE


def test_answers_match_all_overlapping_detections():
    sample = pointing_sample()
    sample.teacher.pointed_labels = torch.tensor([0, 0])
    for name in ('pointed_human_bboxes', 'pointed_object_bboxes'):
        # Two teachers point at the same pair.
        boxes = sample.teacher.get(name)[:1].repeat(2, 1)
        sample.teacher.set_field(boxes, name)
    scene = [
        (PERSON, 0.9, (8, 8, 40, 60)),
        (PERSON, 0.8, (9, 8, 41, 60)),
        (BIKE, 0.9, (4, 30, 50, 60)),
    ]
    pairs = make_pairs([scene])
    pointed = make_teacher_head()([sample], pairs).pointed
    # Each of two answers matches both detections of the person.
    bikes = pairs.object_labels == BIKE
    assert pointed[bikes, RIDE].tolist() == [2, 2] and pointed.sum() == 4


def test_losses_without_pointed_pairs_are_bitwise_equal():
    inputs = torch.zeros(1, 3, 64, 96)

    def losses(pointing, sample):
        model = build(model_cfg(pointing=pointing))
        torch.manual_seed(1)
        return model.loss(inputs, [sample])

    off = losses(None, make_sample())
    for same in (
        losses(PRIOR, make_sample()),
        losses(None, pointing_sample()),
    ):
        assert off.keys() == same.keys()
        assert all(torch.equal(off[name], same[name]) for name in off)
    pointed = losses(PRIOR, pointing_sample())
    assert 0 < pointed['pointing_reliability'] < 1
    model = build(model_cfg(pointing=PRIOR))
    total(model.loss(inputs, [pointing_sample()])).backward()


def test_reliability_is_kept_in_checkpoints():
    model = build(model_cfg(pointing=PRIOR))
    model.pointing.counts += torch.tensor([30.0, 10.0])
    other = build(model_cfg(pointing=PRIOR))
    other.load_state_dict(model.state_dict())
    assert other.pointing.reliability == model.pointing.reliability


class RecordingNoise(torch.nn.Module):
    """Label noise model that keeps the labels that it is given."""

    is_warmed_up = torch.tensor(True)

    def forward(self, targets, *_):
        self.labels = targets.image_targets
        return targets

    def prior_losses(self, is_used):
        return {}


def test_labels_are_weighed_in_the_first_round_alone():
    """The self-teacher's posteriors have the evidence already."""
    cfg = model_cfg(pointing=PRIOR)
    cfg['icn']['verbwise_interactiveness'] = True
    model = build(cfg)
    model.label_noise = RecordingNoise()
    sample = pointing_sample()
    plain = model.teacher_head([sample]).image_targets
    inputs = torch.zeros(1, 3, 64, 96)
    model.loss(inputs, [sample])
    changed = (model.label_noise.labels != plain).nonzero().tolist()
    assert changed == [[0, RIDE]]
    model.snapshot_self_teacher()
    losses = model.loss(inputs, [sample])
    assert torch.equal(model.label_noise.labels, plain)
    assert 'pointing_reliability' in losses
