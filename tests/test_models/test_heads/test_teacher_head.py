import pytest
import torch
import torch.nn.functional as F

from tests.test_models.utils import (
    BIKE,
    DOG,
    ENCODER,
    FEED,
    HOLD_BIKE,
    HOLD_DOG,
    NO_BIKE,
    PARK,
    PERSON,
    RIDE,
    SCENE,
    TEXT_DIM,
    VOCABULARY,
    build,
    make_pairs,
    make_pseudo_labels,
    make_sample,
)


def make_head(**options):
    return build(
        dict(
            type='TeacherHead',
            vocabulary=PARK,
            text_encoder=ENCODER,
            text_dim=TEXT_DIM,
            max_sentences=3,
            **options,
        )
    )


@pytest.fixture(scope='module')
def head():
    head = make_head()
    head.init_weights()
    return head


@pytest.fixture
def supervise(head):

    def transpose(name):
        head.supervision = name
        return head

    yield transpose
    head.supervision = 'vllm'


def test_pseudo_labels(supervise):
    pseudo_labels = ((RIDE, BIKE, 0.9), (-1, BIKE, 0.4), (RIDE, BIKE, 0.3))
    samples = [
        make_sample(pseudo_labels=pseudo_labels),
        make_sample(pseudo_labels=(), caption='', valid=False),
        make_sample(pseudo_labels=(), caption='A park.'),
    ]
    targets = supervise('vllm')(samples)
    given = samples[0].teacher
    assert targets.has_caption.tolist() == [True, False, True]
    assert targets.is_labeled.tolist() == [True, False, True]
    torch.testing.assert_close(targets.captions[0], given.caption_embed)
    assert targets.sentences.shape == (3, 3, TEXT_DIM)
    assert targets.has_sentence.tolist() == [
        [True] * 3,
        [False] * 3,
        [False] * 3,
    ]
    torch.testing.assert_close(targets.sentences[0], given.sentence_embeds)
    assert targets.hois.tolist() == [[RIDE, -1, RIDE], [-1] * 3, [-1] * 3]
    assert targets.objects.tolist() == [[BIKE] * 3, [-1] * 3, [-1] * 3]
    torch.testing.assert_close(
        targets.weights, torch.tensor([[0.9, 0.4, 0.3], [0, 0, 0], [0, 0, 0]])
    )
    # Duplicate labels keep the highest score; unknown ones have no class.
    scores = torch.zeros(3, VOCABULARY.num_hois)
    scores[0, RIDE] = 0.9
    torch.testing.assert_close(targets.image_targets, scores)
    table = supervise('vllm').classifier
    torch.testing.assert_close(targets.phrases[0, 0], table.hoi_embeds[RIDE])
    torch.testing.assert_close(
        targets.phrases[0, 1],
        F.normalize(given.phrase_embeds[1] - table.object_means[BIKE], dim=0),
    )
    assert targets.pair_labels is None


def test_sentences_are_trimmed_to_the_largest_count(supervise):
    pseudo_labels = tuple((hoi, BIKE, 0.5) for hoi in (RIDE, HOLD_BIKE) * 3)
    sample = make_sample(pseudo_labels=pseudo_labels)
    targets = supervise('vllm')([sample])
    assert targets.sentences.shape == (1, 3, TEXT_DIM)
    assert targets.has_sentence.all()
    torch.testing.assert_close(
        targets.sentences[0], sample.teacher.sentence_embeds[:3]
    )
    assert targets.hois.shape == (1, 6)


def test_all_images_without_answer(supervise):
    targets = supervise('vllm')(
        [make_sample(pseudo_labels=(), caption='', valid=False)] * 2
    )
    assert targets.phrases.shape == (2, 0, TEXT_DIM)
    assert targets.weights.shape == (2, 0)
    assert targets.image_targets.abs().sum() == 0
    assert not targets.is_labeled.any()


@pytest.mark.parametrize('supervision', ['image', 'instance'])
def test_image_level_labels(supervise, supervision):
    hois = ((0, 1, RIDE), (2, 1, RIDE), (2, 3, HOLD_DOG), (0, 3, -1))
    samples = [make_sample(hois=hois), make_sample(hois=())]
    # No pseudo-label is read.
    for sample in samples:
        del sample.teacher
    head = supervise(supervision)
    targets = head(samples)
    table = head.classifier
    assert targets.hois.tolist() == [[RIDE, HOLD_DOG], [-1, -1]]
    assert targets.objects.tolist() == [[BIKE, DOG], [-1, -1]]
    assert targets.weights.tolist() == [[1, 1], [0, 0]]
    assert targets.has_caption.tolist() == [True, False]
    assert targets.is_labeled.tolist() == [True, True]
    said = table.hoi_phrases[[RIDE, HOLD_DOG]]
    torch.testing.assert_close(
        targets.captions[0], F.normalize(said.sum(0), dim=0)
    )
    torch.testing.assert_close(targets.sentences[0, :2], said)
    torch.testing.assert_close(
        targets.phrases[0], table.hoi_embeds[[RIDE, HOLD_DOG]]
    )
    assert targets.image_targets[0].nonzero().flatten().tolist() == [
        RIDE,
        HOLD_DOG,
    ]
    assert targets.pair_labels is None


def test_pairs_are_matched_by_both_boxes_class_and_image(supervise):
    near = [
        (label, score, (x1 + 1, y1, x2, y2 - 1))
        for label, score, (x1, y1, x2, y2) in SCENE[:4]
    ]
    wrong = [near[0], (DOG, 0.8, near[1][2])]
    hois = ((0, 1, RIDE), (0, 1, HOLD_BIKE), (2, 3, FEED))
    samples = [make_sample(hois=hois), make_sample(hois=hois)]
    pairs = make_pairs([near, wrong])
    labels = supervise('instance')(samples, pairs).pair_labels
    assert labels.shape == (len(pairs), VOCABULARY.num_hois)
    found = [
        (pairs.human_inds[p].item(), pairs.object_inds[p].item(), c)
        for p, c in labels.nonzero().tolist()
    ]
    # The second image's true object is a bicycle.
    assert found == [(0, 1, RIDE), (0, 1, HOLD_BIKE), (2, 3, FEED)]
    assert labels.sum() == 3


def test_pairs_of_another_image_are_not_matched(supervise):
    samples = [make_sample(hois=()), make_sample(hois=((0, 1, RIDE),))]
    pairs = make_pairs([SCENE, SCENE])
    labels = supervise('instance')(samples, pairs).pair_labels
    ((pair, hoi),) = labels.nonzero().tolist()
    assert (pairs.pair_inds[pair].item(), hoi) == (1, RIDE)


@pytest.mark.parametrize('shift, matched', [(5, True), (7, False)])
def test_match_iou(supervise, shift, matched):
    """IoU of a box shifted by s: (20-s)/(20+s)."""
    truth = [(PERSON, 1.0, (0, 0, 20, 20)), (BIKE, 1.0, (30, 0, 50, 20))]
    moved = [truth[0], (BIKE, 1.0, (30 + shift, 0, 50 + shift, 20))]
    labels = supervise('instance')(
        [make_sample(truth, hois=((0, 1, RIDE),))], make_pairs([moved])
    ).pair_labels
    assert (labels[0, RIDE] == 1) == matched


def test_roles_without_object_and_empty_images_match_nothing(supervise):
    samples = [
        make_sample(hois=((0, -1, RIDE),)),
        make_sample(rows=(), hois=()),
    ]
    pairs = make_pairs([SCENE, SCENE])
    assert supervise('instance')(samples, pairs).pair_labels.sum() == 0
    none = make_pairs([[], []])
    labels = supervise('instance')(samples, none).pair_labels
    assert labels.shape == (0, VOCABULARY.num_hois)


def test_annotated_no_interaction_stays_in_the_targets(supervise):
    """Losses ignore it, as it is derived from the others."""
    targets = supervise('image')([make_sample(hois=((0, 1, NO_BIKE),))])
    assert targets.image_targets[0, NO_BIKE] == 1


def test_unlabeled_verbs_weigh_by_their_factor():
    head = make_head(unlabeled_verb_factors=dict(hold=0.1))
    assert 'unlabeled_factors' not in head.state_dict()
    targets = head([make_sample(pseudo_labels=((HOLD_BIKE, BIKE, 0.9),))])
    target, weight = targets.class_interactions(0.5)
    expected = torch.full((1, VOCABULARY.num_hois), 0.5)
    expected[0, HOLD_DOG] = 0.05
    # A labeled class weighs 1, whatever its verb.
    expected[0, HOLD_BIKE] = 1.0
    torch.testing.assert_close(weight, expected)
    log_neg = torch.full_like(target, -1.0)
    # Unlabeled: -log P(absent) = 1.
    nll = targets.class_nll(log_neg, 0.5)
    torch.testing.assert_close(nll[target == 0], expected[target == 0])


@pytest.mark.parametrize('factors', [dict(fly=0.1), dict(hold=-1.0)])
def test_unlabeled_verb_factors_are_checked(factors):
    with pytest.raises(ValueError, match='unlabeled_verb_factors'):
        make_head(unlabeled_verb_factors=factors)


def test_errors(supervise):
    with pytest.raises(ValueError, match="'human' is none of vllm, image"):
        build(
            dict(
                type='TeacherHead',
                vocabulary=PARK,
                text_encoder=ENCODER,
                text_dim=TEXT_DIM,
                supervision='human',
            )
        )
    sample = make_sample()
    sample.teacher = make_pseudo_labels()
    sample.teacher.caption_embed = torch.zeros(8)
    with pytest.raises(ValueError, match='embeddings of 8.*text_dim=32'):
        supervise('vllm')([sample])
    del sample.gt_hois
    with pytest.raises(ValueError, match="annotations.*supervision='image'"):
        supervise('image')([sample])


def test_whitening_affects_verbs_only(head):
    white = build(
        dict(
            type='TeacherHead',
            vocabulary=PARK,
            text_encoder=ENCODER,
            text_dim=TEXT_DIM,
            whiten_verbs=True,
        )
    )
    white.init_weights()
    ours, theirs = white.classifier, head.classifier
    assert not torch.allclose(ours.verb_embeds, theirs.verb_embeds)
    torch.testing.assert_close(
        ours.verb_embeds.norm(dim=1), theirs.verb_embeds.norm(dim=1)
    )
    assert torch.equal(ours.hoi_embeds, theirs.hoi_embeds)
    # Bitwise unchanged after a new vocabulary was encoded.
    assert torch.equal(
        ours.with_vocabulary(VOCABULARY).verb_embeds, ours.verb_embeds
    )
