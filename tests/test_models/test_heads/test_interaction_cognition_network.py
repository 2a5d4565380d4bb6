import math

import pytest
import torch

from clhoi_mm.models import PhraseClassifier
from clhoi_mm.models.heads.interaction_cognition_network import logit_and
from tests.test_models.utils import (
    BIKE,
    CAR,
    DOG,
    ENCODER,
    NO_BIKE,
    PARK,
    PERSON,
    RIDE,
    SCENE,
    TEXT_DIM,
    VOCABULARY,
    build,
    make_pairs,
)

ROI = dict(
    type='SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=3, sampling_ratio=1),
    out_channels=4,
    featmap_strides=[8, 16],
)


def make_icn(name='ICN', **options):
    cfg = dict(
        type=name,
        text_dim=TEXT_DIM,
        embed_dims=16,
        num_layers=2,
        num_heads=2,
        roi_extractor=ROI,
        roi_channels=4,
    )
    return build(cfg | options)


@pytest.fixture(scope='module')
def phrases():
    table = PhraseClassifier(PARK, ENCODER, TEXT_DIM)
    table.encode_phrases()
    return table


@pytest.fixture(scope='module')
def feats():
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, 4, 64 // s, 96 // s, generator=generator)
        for s in (8, 16, 32)
    ]


@pytest.fixture(scope='module')
def context():
    return torch.randn(2, 3, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('name', ['ICN', 'InteractionCognitionNetwork'])
@pytest.mark.parametrize('roi_extractor', [None, ROI])
@pytest.mark.parametrize('with_context', [False, True])
@pytest.mark.parametrize('by_verb', [False, True])
@pytest.mark.parametrize(
    'rows', [[SCENE, SCENE[:2]], [SCENE, []], [[], []], [SCENE[:1]] * 2]
)
def test_forward_and_backward(
    phrases, feats, context, name, roi_extractor, with_context, by_verb, rows
):
    icn = make_icn(
        name,
        roi_extractor=roi_extractor,
        with_context=with_context,
        verbwise_interactiveness=by_verb,
    )
    pairs = make_pairs(rows)
    result = icn(feats, pairs, phrases, context if with_context else None)
    assert result.embeds.shape == (len(pairs), TEXT_DIM)
    assert result.logits.shape == (len(pairs), VOCABULARY.num_hois)
    torch.testing.assert_close(
        result.embeds.norm(dim=1), torch.ones(len(pairs))
    )
    (result.embeds.sum() + result.logits.sum()).backward()
    for key, param in icn.named_parameters():
        assert param.grad is not None, key
        assert torch.isfinite(param.grad).all(), key


def test_valid_classes_match_the_object(phrases, feats, context):
    pairs = make_pairs([SCENE, []])
    valid = make_icn()(feats, pairs, phrases, context).valid
    for row, label in zip(valid, pairs.object_labels.tolist()):
        expected = [
            i for i, o in enumerate(VOCABULARY.hoi_objects) if o == label
        ]
        assert row.nonzero().flatten().tolist() == expected
    assert not valid[pairs.object_labels == CAR].any()


def test_roi_feats_come_from_their_own_boxes(phrases, feats):
    icn = make_icn()
    pairs = make_pairs([[], SCENE[:3]])
    evidence = icn.gather(feats, pairs, phrases)
    encoder = icn.encoder
    expected = encoder.geometry(evidence.geometry) + encoder.object_name(
        phrases.object_embeds[pairs.object_labels]
    )
    for part, boxes in (
        ('human', pairs.human_bboxes),
        ('object', pairs.object_bboxes),
        ('union', pairs.union_bboxes),
    ):
        rois = torch.cat([pairs.pair_inds[:, None].float(), boxes], 1)
        expected = expected + encoder.roi_reduce[part](
            icn.roi_extractor(feats[:2], rois)
        )
    torch.testing.assert_close(
        encoder(evidence), expected, rtol=1e-4, atol=1e-5
    )


def test_scores_by_hand(phrases):
    icn = make_icn()
    pairs = make_pairs(
        [[(PERSON, 0.9, (0, 0, 9, 9)), (BIKE, 0.9, (0, 0, 9, 9))]]
    )
    x = torch.randn(1, 16)
    result = icn.score(x, torch.tensor([0.4]), pairs, phrases)
    phrase = torch.nn.functional.normalize(icn.to_phrase(x)[0], dim=0)
    verb = torch.nn.functional.normalize(icn.to_verb(x)[0], dim=0)
    expected = (
        10 * phrase @ phrases.hoi_embeds[RIDE]
        + 10 * (verb @ phrases.verb_embeds[VOCABULARY.hoi_verbs[RIDE]])
        + math.log(0.15 / 0.85)
    )
    torch.testing.assert_close(result.class_logits[0, RIDE], expected)
    torch.testing.assert_close(
        result.logits[0, RIDE].sigmoid(),
        expected.sigmoid() / (1 + math.exp(-0.4)),
    )
    torch.testing.assert_close(
        result.logits[0, NO_BIKE], -result.logits[0, :NO_BIKE].max()
    )


@pytest.mark.parametrize('by_verb', [False, True])
@pytest.mark.parametrize('rows', [[SCENE, SCENE[:2]], [SCENE[:2], []]])
def test_inference_scores_the_classes_that_pairs_can_have(
    phrases, feats, context, by_verb, rows
):
    icn = make_icn(verbwise_interactiveness=by_verb)
    pairs = make_pairs(rows)
    trained = icn(feats, pairs, phrases, context)
    with torch.no_grad():
        found = icn(feats, pairs, phrases, context)
    valid = trained.valid
    assert torch.equal(found.valid, valid) and valid.any()
    for name in ('logits', 'class_logits'):
        values, expected = getattr(found, name), getattr(trained, name)
        torch.testing.assert_close(values[valid], expected[valid])
        absent = ~torch.isin(phrases.hoi_objects, pairs.labels)
        assert absent.any() and (values[:, absent] == -1e4).all()
    torch.testing.assert_close(found.interactiveness, trained.interactiveness)


def test_inference_without_any_class(phrases, feats, context):
    """No interaction has a car."""
    pairs = make_pairs([[(CAR, 0.9, (0, 0, 9, 9))], []])
    with torch.no_grad():
        found = make_icn()(feats, pairs, phrases, context)
    assert found.logits.shape == (0, VOCABULARY.num_hois)


def test_equivariant_to_instance_order(phrases, feats, context):
    icn = make_icn()
    order = [3, 2, 4, 0, 1]
    one = make_pairs([SCENE, []])
    two = make_pairs([[SCENE[i] for i in order], []])
    first = icn(feats, one, phrases, context)
    second = icn(feats, two, phrases, context)
    names = [
        (h, o)
        for h, o in zip(one.human_inds.tolist(), one.object_inds.tolist())
    ]
    match = [
        names.index((order[h], order[o]))
        for h, o in zip(two.human_inds.tolist(), two.object_inds.tolist())
    ]
    torch.testing.assert_close(
        second.logits, first.logits[match], rtol=1e-4, atol=1e-5
    )


def test_images_are_independent(phrases, feats, context):
    icn = make_icn()
    logit_and = icn(feats, make_pairs([SCENE, SCENE[:2]]), phrases, context)
    alone = icn(
        [f[1:] for f in feats], make_pairs([SCENE[:2]]), phrases, context[1:]
    )
    torch.testing.assert_close(
        logit_and.logits[-1:], alone.logits, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize('part', ['feats', 'context', 'geometry', 'others'])
def test_every_input_changes_the_scores(phrases, feats, context, part):
    icn = make_icn()
    torch.nn.init.normal_(icn.layers[0].pair_attn.bias)
    rows = [SCENE[:3], []]
    before = icn(feats, make_pairs(rows), phrases, context).logits[0]
    if part == 'feats':
        feats = [f + torch.randn_like(f) for f in feats]
    elif part == 'context':
        context = context + torch.randn_like(context)
    elif part == 'geometry':
        rows = [[SCENE[0], (BIKE, 0.8, (30, 4, 90, 20)), SCENE[2]], []]
    else:
        rows = [[SCENE[0], SCENE[1], (PERSON, 0.7, (60, 20, 90, 40))], []]
    after = icn(feats, make_pairs(rows), phrases, context).logits[0]
    assert not torch.allclose(before, after, atol=1e-4)


@pytest.mark.parametrize('by_verb', [True, False])
def test_interactiveness_depends_on_the_pair_alone(
    phrases, feats, context, by_verb
):
    icn = make_icn(verbwise_interactiveness=by_verb)

    def score_pairs(feats=feats, context=context, rows=SCENE[:2]):
        return icn(
            feats, make_pairs([rows, []]), phrases, context
        ).interactiveness[0]

    before = score_pairs()
    assert before.shape == (VOCABULARY.num_hois if by_verb else 1,)
    assert torch.equal(before, score_pairs(context=context + 1))
    torch.testing.assert_close(before, score_pairs(rows=SCENE))
    assert (
        before != score_pairs([f + torch.randn_like(f) for f in feats])
    ).any()
    for other in ((BIKE, 0.8, (30, 4, 90, 20)), (DOG, 0.8, SCENE[1][2])):
        assert (before != score_pairs(rows=[SCENE[0], other])).any()


def test_verb_interactiveness_is_shared_across_objects(phrases, feats):
    """A verb's interactiveness is the same whatever the object's class."""
    icn = make_icn(with_context=False, verbwise_interactiveness=True)
    logits = icn(feats, make_pairs([SCENE, []]), phrases).interactiveness
    for verb in range(VOCABULARY.num_verbs):
        of_verb = logits[:, phrases.hoi_verbs == verb]
        assert torch.equal(of_verb, of_verb[:, :1].expand_as(of_verb))
    assert (logits.std(1) > 0).all()


def test_interactiveness_by_hand(phrases, feats):
    """Shared interactiveness logit plus similarity with the verb."""
    icn = make_icn(
        with_context=False, roi_extractor=None, verbwise_interactiveness=True
    )
    tower = icn.interactiveness
    verb = phrases.hoi_verbs[RIDE]
    with torch.no_grad():
        for parameter in (tower.head[-1].weight, tower.to_verb.weight):
            parameter.zero_()
        tower.head[-1].bias.fill_(-2.0)
        tower.to_verb.bias.copy_(3 * phrases.verb_embeds[verb])
        tower.log_scale.fill_(math.log(4.0))
    logits = icn(feats, make_pairs([SCENE, []]), phrases).interactiveness
    torch.testing.assert_close(
        logits[:, RIDE], torch.full((len(logits),), 2.0)
    )
    cosine = phrases.verb_embeds[phrases.hoi_verbs] @ phrases.verb_embeds[verb]
    torch.testing.assert_close(logits, (4 * cosine - 2).expand_as(logits))


@pytest.mark.parametrize('one', [-80.0, -1.0, 0.0, 3.0, 80.0])
@pytest.mark.parametrize('other', [-80.0, 2.0, 80.0])
def test_logit_and(one, other):
    one, other = torch.tensor([one, other]).double()
    expected = one.sigmoid() * other.sigmoid()
    got = logit_and(one, other)
    torch.testing.assert_close(got.sigmoid(), expected)
    torch.testing.assert_close(got, logit_and(other, one))


@pytest.mark.parametrize('by_verb', [True, False])
def test_initial_interactiveness_is_the_prior(
    phrases, feats, context, by_verb
):
    icn = make_icn(
        interactiveness_prior=0.2,
        class_prior=0.5,
        verbwise_interactiveness=by_verb,
    )
    for layer in (icn.to_phrase, icn.to_verb):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    torch.nn.init.zeros_(icn.interactiveness.head[-1].weight)
    if by_verb:
        for parameter in icn.interactiveness.to_verb.parameters():
            torch.nn.init.zeros_(parameter)
    result = icn(feats, make_pairs([SCENE, []]), phrases, context)
    prob = result.logits.sigmoid()[:, ~phrases.is_no_interaction]
    torch.testing.assert_close(prob, torch.full_like(prob, 0.1))


@pytest.mark.parametrize('by_verb', [True, False])
def test_compiles(phrases, feats, context, by_verb):
    """The number of pairs changes from batch to batch."""
    icn = make_icn(
        roi_extractor=None, num_layers=1, verbwise_interactiveness=by_verb
    )
    torch._dynamo.reset()
    compiled = torch.compile(
        icn, backend='eager', dynamic=True, fullgraph=True
    )
    for rows in ([SCENE, SCENE[:2]], [SCENE[:3], SCENE]):
        pairs = make_pairs(rows)
        torch.testing.assert_close(
            compiled(feats, pairs, phrases, context).logits,
            icn(feats, pairs, phrases, context).logits,
        )


@pytest.mark.parametrize(
    'options', [dict(num_layers=0), dict(with_pair_attention=False)]
)
def test_without_attention_pairs_are_independent(phrases, options):
    icn = make_icn(roi_extractor=None, with_context=False, **options).eval()
    assert not any('pair_attn' in key for key in icn.state_dict())
    alone = icn([], make_pairs([SCENE[:2]]), phrases)
    among = icn([], make_pairs([SCENE]), phrases)
    kept = len(alone.logits)
    assert kept < len(among.logits)
    found = (among.logits[:, None] - alone.logits).abs().sum(-1).amin(0)
    torch.testing.assert_close(found, torch.zeros(kept), atol=1e-4, rtol=0)


def test_without_geometry_positions_have_no_effect(phrases):
    moved = [
        (label, score, (x1, y1, x2 + 9, y2 + 4))
        for label, score, (x1, y1, x2, y2) in SCENE
    ]
    for with_geometry in (True, False):
        icn = make_icn(
            roi_extractor=None, with_geometry=with_geometry, with_context=False
        )
        same = torch.allclose(
            *(
                icn([], make_pairs([scene]), phrases).logits
                for scene in (SCENE, moved)
            )
        )
        assert same != with_geometry


def test_context_without_cross_attention_is_an_error():
    with pytest.raises(ValueError, match='num_layers=0'):
        make_icn(num_layers=0)
