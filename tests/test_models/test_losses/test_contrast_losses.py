"""Contrastive losses of pairs and phrases, compared by hand."""

import torch
import torch.nn.functional as F

from tests.test_models.utils import (
    BIKE,
    FEED,
    HOLD_BIKE,
    HUG_DOG,
    NO_BIKE,
    PERSON,
    RIDE,
    TEXT_DIM,
    VOCABULARY,
    make_pairs,
)
from tests.test_models.utils_interactions import (
    BOX,
    THREE,
    build,
    make_image_targets,
    make_interactions,
)


def contrast_loss(type_='PairContrastLoss', **options):
    return build(dict(type=type_, **options))


def test_contrast_by_hand(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    loss = contrast_loss()(
        interactions,
        pairs,
        make_image_targets(phrases, [(RIDE, 0.8)]),
        phrases,
    )['loss_contrast']
    compete = (
        interactions.logits[:, RIDE].exp()
        * 0.9
        * torch.tensor([0.8, 1.0, 0.5])
    )
    bag = F.normalize(compete / compete.sum() @ interactions.embeds, dim=0)
    same = {
        hoi: (bag @ phrases.hoi_embeds[hoi] / 0.1).exp()
        for hoi in range(VOCABULARY.num_hois)
    }
    positive = same.pop(RIDE)
    # Unlabeled classes of the object weigh 0.3; no_interaction is not trained.
    below = positive + 0.3 * same.pop(HOLD_BIKE)
    below = below + sum(
        v for hoi, v in same.items() if not VOCABULARY.no_interaction_mask[hoi]
    )
    torch.testing.assert_close(loss, -(positive / below).log())


def test_other_labels_of_the_object_are_not_negatives(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    loss = contrast_loss()
    targets = make_image_targets(phrases, [(RIDE, 0.8), (HOLD_BIKE, 0.5)])
    before = loss(interactions, pairs, targets, phrases)['loss_contrast']
    for hoi, matters in (
        (RIDE, False),
        (HOLD_BIKE, False),
        (NO_BIKE, False),
        (FEED, True),
    ):
        kept = phrases.hoi_embeds[hoi].clone()
        phrases.hoi_embeds[hoi] = interactions.embeds[0].detach()
        after = loss(interactions, pairs, targets, phrases)['loss_contrast']
        assert (after != before) == matters
        phrases.hoi_embeds[hoi] = kept
    # Labels of another image are still negatives.
    pairs = make_pairs([THREE, THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 0.8)], [(HOLD_BIKE, 0.5)])
    before = loss(interactions, pairs, targets, phrases)['loss_contrast']
    phrases.hoi_embeds[HOLD_BIKE] = interactions.embeds[0].detach()
    after = loss(interactions, pairs, targets, phrases)['loss_contrast']
    assert after != before


def test_contrast_is_weighted_by_score_and_skips_empty_bags(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    loss = contrast_loss()

    def contrast(*rows):
        return loss(
            interactions, pairs, make_image_targets(phrases, rows), phrases
        )['loss_contrast']

    one = contrast((RIDE, 0.2))
    torch.testing.assert_close(one, contrast((RIDE, 0.9)))
    torch.testing.assert_close(one, contrast((RIDE, 0.9), (HUG_DOG, 0.9)))
    assert contrast((HUG_DOG, 0.9)) == 0


def test_labels_outside_the_vocabulary_compete_by_similarity(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    targets.hois[:] = -1
    targets.image_targets[:] = 0
    wash = F.normalize(torch.randn(TEXT_DIM), dim=0)
    targets.phrases[0, 0] = wash
    with torch.no_grad():
        interactions.embeds[1] = wash
    loss = contrast_loss()(interactions, pairs, targets, phrases)[
        'loss_contrast'
    ]
    loss.backward()
    grads = interactions.embeds.grad.norm(dim=1)
    assert grads.argmax() == 1
    assert torch.isfinite(loss)


def test_negatives_of_the_object_only(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    targets = make_image_targets(phrases, [(RIDE, 0.8)])
    loss = contrast_loss(same_object_only=True)
    before = loss(interactions, pairs, targets, phrases)['loss_contrast']
    phrases.hoi_embeds[FEED] = interactions.embeds[0].detach()
    after = loss(interactions, pairs, targets, phrases)['loss_contrast']
    assert after == before
    phrases.hoi_embeds[HOLD_BIKE] = interactions.embeds[0].detach()
    after = loss(interactions, pairs, targets, phrases)['loss_contrast']
    assert after > before


def test_contrast_of_bags_by_hand(phrases):
    two = [(PERSON, 0.9, BOX), (BIKE, 0.8, BOX), (BIKE, 0.5, BOX)]
    one = [(PERSON, 0.7, BOX), (BIKE, 1.0, BOX)]
    # The third image has the label as well; the fourth has no answer.
    pairs = make_pairs([two, one, one, one])
    interactions = make_interactions(pairs)
    targets = make_image_targets(
        phrases, [(RIDE, 0.8)], [(HOLD_BIKE, 1.0)], [(RIDE, 0.4)], []
    )
    targets.is_labeled[3] = False
    loss = contrast_loss('BagContrastLoss')(
        interactions, pairs, targets, phrases
    )['loss_contrast']

    def similar(hoi):
        cos = interactions.embeds @ phrases.hoi_embeds[hoi] / 0.1
        compete = interactions.logits[:2, hoi].exp() * torch.tensor([0.8, 0.5])
        first = (compete.detach() / compete.detach().sum() * cos[:2]).sum()
        return torch.stack([first, *cos[2:]]).exp()

    ride, hold = similar(RIDE), similar(HOLD_BIKE)
    losses = [
        -(ride[0] / (ride[0] + 0.3 * ride[1])).log(),
        -(hold[1] / (hold[1] + 0.3 * (hold[0] + hold[2]))).log(),
        -(ride[2] / (ride[2] + 0.3 * ride[1])).log(),
    ]
    weights = torch.tensor([0.8, 1.0, 0.4])
    expected = (torch.stack(losses) * weights).sum() / weights.sum()
    torch.testing.assert_close(loss, expected)


def test_phrases_of_other_objects_by_hand(phrases):
    pairs = make_pairs([THREE])
    interactions = make_interactions(pairs)
    loss = contrast_loss('ForeignPhraseLoss')(
        interactions, pairs, make_image_targets(phrases, []), phrases
    )['loss_contrast']
    foreign = [
        hoi
        for hoi in range(VOCABULARY.num_hois)
        if VOCABULARY.hoi_objects[hoi] != VOCABULARY.hoi_objects[RIDE]
        and not VOCABULARY.no_interaction_mask[hoi]
    ]
    by_pair = F.softplus(interactions.class_logits[:, foreign]).sum(1)
    weights = torch.tensor([0.8, 1.0, 0.5])
    torch.testing.assert_close(loss, (by_pair * weights).sum() / weights.sum())
    loss.backward()
    moved = interactions.class_logits.grad[0].nonzero()[:, 0].tolist()
    assert moved == foreign
