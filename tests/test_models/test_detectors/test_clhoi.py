import pytest
import torch

from clhoi_mm.models import HumanObjectPairing
from clhoi_mm.models.detectors.roleless_predictions import roleless_predictions
from clhoi_mm.models.task_modules import PairBatch, PlattScaling
from clhoi_mm.registry import MODELS, TASK_UTILS
from tests.test_models.utils import (
    BIKE,
    CAR,
    DOG,
    FIELDS,
    HOLD_DOG,
    NO_BIKE,
    PERSON,
    SCENE,
    VOCABULARY,
    build,
    check_gradients,
    make_sample,
    model_cfg,
    same_predictions,
    total,
)


@pytest.mark.parametrize(
    'name',
    [
        'CLHOI',
        'VisualLinguisticTranslator',
        'VLT',
        'ICN',
        'InteractionCognitionNetwork',
        'TeacherHead',
        'ContextDistillLoss',
        'InteractionDistillLoss',
    ],
)
def test_registered_names(name):
    assert MODELS.get(name).__module__.startswith('clhoi_mm.models')
    assert MODELS.get(f'clhoi_mm.{name}') is MODELS.get(name)


def test_pairing_is_registered():
    assert TASK_UTILS.get('HumanObjectPairing') is HumanObjectPairing


@pytest.mark.parametrize('supervision', ['vllm', 'image', 'instance'])
@pytest.mark.parametrize(
    'stage, without',
    [
        (1, ''),
        (1, 'interaction_loss'),
        (2, ''),
        (2, 'vlt context_loss'),
        (2, 'context_loss'),
        (2, 'interaction_loss'),
    ],
)
@pytest.mark.parametrize('live', [False, True])
def test_losses_and_gradients(
    variants, inputs, supervision, stage, without, live
):
    model = variants[without].train()
    model.stage = stage
    model.teacher_head.supervision = supervision
    rows = None if live else SCENE
    losses = model.loss(inputs, [make_sample(rows), make_sample(rows)])
    check_gradients(model, losses)
    expected = set()
    if 'context_loss' not in without:
        expected |= {'loss_context', 'loss_sentence', 'context_recall'}
    if stage == 2 and without != 'interaction_loss':
        expected |= {'loss_interactiveness', 'loss_mil', 'loss_contrast'}
    assert losses.keys() == expected
    assert total(losses) > 0


def test_stages_train_their_parts(variants, inputs):
    model = variants[''].train()
    for stage, icn_learns in ((1, False), (2, True)):
        model.stage = stage
        model.zero_grad()
        total(model.loss(inputs, [make_sample(), make_sample()])).backward()
        grads = [p.grad.abs().sum() > 0 for p in model.icn.parameters()]
        assert any(grads) == icn_learns
        assert any(p.grad.abs().sum() > 0 for p in model.vlt.parameters())
    assert all(p.grad is None for p in model.detector.parameters())


POOR = {
    'no detections': dict(rows=()),
    'no human': dict(rows=[r for r in SCENE if r[0] != PERSON]),
    'no object': dict(rows=[SCENE[0]]),
    'objects without classes': dict(rows=[SCENE[0], SCENE[4]]),
    'no words': dict(pseudo_labels=(), caption=''),
    'not in the cache': dict(pseudo_labels=(), caption='', valid=False),
    'words for absent objects': dict(
        rows=[SCENE[0], SCENE[1]], pseudo_labels=((HOLD_DOG, DOG, 0.9),)
    ),
    'words for unknown objects': dict(pseudo_labels=((-1, -1, 0.5),)),
}


@pytest.mark.parametrize('supervision', ['vllm', 'image', 'instance'])
@pytest.mark.parametrize('stage', [1, 2])
@pytest.mark.parametrize('case', POOR)
@pytest.mark.parametrize('mixed', [False, True])
def test_samples_with_missing_parts(
    variants, inputs, supervision, stage, case, mixed
):
    model = variants[''].train()
    model.stage = stage
    model.teacher_head.supervision = supervision
    poor = make_sample(**POOR[case], hois=())
    other = make_sample() if mixed else make_sample(**POOR[case], hois=())
    losses = model.loss(inputs, [poor, other])
    check_gradients(model, losses)
    if not mixed and not poor.teacher.valid:
        interaction = [losses[k] for k in losses if k.startswith('loss_inter')]
        if supervision == 'vllm':
            assert all(v == 0 for v in interaction)
            assert losses['loss_context'] == losses['loss_sentence'] == 0


@pytest.mark.parametrize('without', ['', 'vlt context_loss'])
def test_single_image_without_boxes_or_labels(variants, inputs, without):
    model = variants[without].train()
    model.stage = 2
    model.teacher_head.supervision = 'vllm'
    sample = make_sample(
        rows=(), pseudo_labels=(), caption='', valid=False, hois=()
    )
    losses = model.loss(inputs[:1], [sample])
    check_gradients(model, losses)
    assert total(losses) == 0


@pytest.mark.parametrize(
    'case',
    ['no detections', 'no human', 'no object', 'objects without classes'],
)
def test_predict_without_candidate_pairs(model, inputs, case):
    poor, rich = model.predict(
        inputs, [make_sample(**POOR[case]), make_sample()]
    )
    assert len(poor.pred_hois) == 0
    assert poor.pred_hois.human_bboxes.shape == (0, 4)
    assert set(poor.pred_hois.keys()) == set(FIELDS)
    assert len(rich.pred_hois) > 0
    (alone,) = model.predict(inputs[1:], [make_sample()])
    same_predictions(rich, alone, rtol=1e-4, atol=1e-6)


def test_predict_fields(model, inputs):
    result = model.predict(inputs, [make_sample(), make_sample()])[0]
    pred = result.pred_hois
    # Two humans: bicycle 3 classes, dog 4, each other 1; car 0.
    assert len(pred) == 2 * (3 + 4) + 2
    assert (pred.scores[:-1] >= pred.scores[1:]).all()
    assert (pred.scores >= 0).all() and (pred.scores <= 1).all()
    hois = pred.hoi_labels
    torch.testing.assert_close(
        pred.verb_labels, torch.as_tensor(VOCABULARY.hoi_verbs)[hois]
    )
    torch.testing.assert_close(
        pred.object_labels, torch.as_tensor(VOCABULARY.hoi_objects)[hois]
    )
    assert CAR not in pred.object_labels
    by_score = {round(s, 4): torch.tensor(b).float() for _, s, b in SCENE[:4]}
    for box, score in zip(pred.human_bboxes, pred.human_scores.tolist()):
        torch.testing.assert_close(box, by_score[round(score, 4)])
    for box, score in zip(pred.object_bboxes, pred.object_scores.tolist()):
        torch.testing.assert_close(box, by_score[round(score, 4)])
    assert len(result.pred_instances) == len(SCENE)


def test_score_is_class_score_times_detection_scores(inputs):
    model = build(model_cfg(score_power=0.5)).eval()
    interactions = model._forward(inputs[:1], [make_sample()])
    pred = model.predict(inputs[:1], [make_sample()])[0].pred_hois
    expected = (
        interactions.logits.sigmoid()
        * (
            model.generate_pairs(
                inputs[:1], None, [make_sample()]
            ).human_scores
            * model.generate_pairs(
                inputs[:1], None, [make_sample()]
            ).object_scores
        )[:, None]
        ** 0.5
    )
    expected = expected[interactions.valid].sort(descending=True)[0]
    torch.testing.assert_close(pred.scores, expected)


def test_no_interaction_is_one_minus_the_best_class(model, inputs):
    pred = model.predict(inputs[:1], [make_sample()])[0].pred_hois
    weight = pred.human_scores * pred.object_scores
    prob = pred.scores / weight
    bike = (pred.object_labels == BIKE) & (pred.human_scores > 0.8)
    best = prob[bike & (pred.hoi_labels != NO_BIKE)].max()
    torch.testing.assert_close(
        prob[bike & (pred.hoi_labels == NO_BIKE)], 1 - best[None]
    )


def test_calibration_changes_scores_but_not_their_order(model, inputs):
    plain = model.predict(inputs[:1], [make_sample()])[0].pred_hois
    calibration = PlattScaling(scale=0.5, bias=1.0)
    model.post_processor.calibration = calibration
    try:
        found = model.predict(inputs[:1], [make_sample()])[0].pred_hois
    finally:
        model.post_processor.calibration = None
    torch.testing.assert_close(found.scores, calibration(plain.scores))
    assert torch.equal(found.hoi_labels, plain.hoi_labels)


def test_max_per_img_keeps_the_best(model, inputs):
    full = model.predict(inputs[:1], [make_sample()])[0].pred_hois
    model.post_processor.max_per_img = 3
    try:
        few = model.predict(inputs[:1], [make_sample()])[0].pred_hois
    finally:
        model.post_processor.max_per_img = 100
    torch.testing.assert_close(few.scores, full.scores[:3])
    assert few.hoi_labels.tolist() == full.hoi_labels[:3].tolist()


def test_boxes_are_returned_in_original_coordinates(model, inputs):
    sample, plain = make_sample(), make_sample()
    sample.set_metainfo(dict(scale_factor=(2.0, 0.5), ori_shape=(128, 48)))
    scale = torch.tensor([2.0, 0.5, 2.0, 0.5])
    (plain,) = model.predict(inputs[:1], [plain])
    (scaled,) = model.predict(inputs[:1], [sample])
    torch.testing.assert_close(
        scaled.pred_hois.human_bboxes, plain.pred_hois.human_bboxes / scale
    )
    torch.testing.assert_close(
        scaled.pred_hois.object_bboxes, plain.pred_hois.object_bboxes / scale
    )
    torch.testing.assert_close(
        scaled.pred_instances.bboxes, plain.pred_instances.bboxes / scale
    )
    (unscaled,) = model.predict(inputs[:1], [sample], rescale=False)
    same_predictions(unscaled, plain)


def test_order_of_detections_does_not_matter(model, inputs):
    shuffled = [SCENE[i] for i in (3, 2, 4, 0, 1)]
    (one,) = model.predict(inputs[:1], [make_sample()])
    (two,) = model.predict(inputs[:1], [make_sample(shuffled)])
    same_predictions(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('live', [False, True])
def test_batch_equals_single_images(model, inputs, live):
    rows = [None, None] if live else [SCENE, SCENE[:2]]
    together = model.predict(inputs, [make_sample(r) for r in rows])
    for i, sample in enumerate(together):
        (alone,) = model.predict(inputs[i : i + 1], [make_sample(rows[i])])
        same_predictions(sample, alone, rtol=1e-4, atol=1e-6)
        assert len(sample.pred_hois) > 0 or live


def test_given_and_live_detections_in_one_batch(model, inputs):
    given, live = model.predict(inputs, [make_sample(), make_sample(None)])
    same_predictions(
        given,
        model.predict(inputs[:1], [make_sample()])[0],
        rtol=1e-4,
        atol=1e-6,
    )
    (alone,) = model.predict(inputs[1:], [make_sample(None)])
    torch.testing.assert_close(
        live.pred_instances.bboxes, alone.pred_instances.bboxes
    )


@pytest.mark.parametrize('live', [False, True])
def test_predict_needs_neither_teacher_nor_annotations(model, inputs, live):
    bare = make_sample(None if live else SCENE)
    (full,) = model.predict(inputs[:1], [bare.clone()])
    del bare.teacher, bare.gt_hois, bare.gt_instances
    (blind,) = model.predict(inputs[:1], [bare])
    same_predictions(full, blind)


@pytest.mark.parametrize('pad', [0, 32])
def test_padding_has_no_effect(model, pad):
    """Use constant maps, which differ only by their padding."""
    feats = [
        torch.full((1, 16, (64 + pad) // s, (96 + pad) // s), 0.3)
        for s in (8, 16, 32)
    ]
    garbage = [f.clone() for f in feats]
    for f, s in zip(garbage, (8, 16, 32)):
        f[..., 64 // s :, :] = 7.0
        f[..., 96 // s :] = 7.0
    inputs = torch.zeros(1, 3, 64 + pad, 96 + pad)
    clean = model.student.encode_context(inputs, feats, [make_sample()])
    padded = model.student.encode_context(inputs, garbage, [make_sample()])
    alone = model.student.encode_context(
        torch.zeros(1, 3, 64, 96),
        [f[..., : 64 // s, : 96 // s] for f, s in zip(feats, (8, 16, 32))],
        [make_sample()],
    )
    torch.testing.assert_close(padded.tokens, clean.tokens)
    torch.testing.assert_close(
        padded.tokens, alone.tokens, rtol=1e-4, atol=1e-5
    )


def test_images_of_different_sizes(model, inputs):
    """A padded small image gives nearly the unpadded result."""
    small = (32, 64)
    rows = [(PERSON, 0.9, (2, 2, 20, 30)), (BIKE, 0.8, (4, 10, 40, 30))]
    padded = torch.zeros_like(inputs)
    padded[0] = inputs[0]
    padded[1, :, :32, :64] = inputs[1, :, :32, :64]
    together = model.predict(
        padded, [make_sample(), make_sample(rows, size=small)]
    )[1].pred_hois
    alone = model.predict(
        padded[1:, :, :32, :64], [make_sample(rows, size=small)]
    )[0].pred_hois
    # A single pair, so that a class identifies a row.
    together, alone = (
        hois[hois.hoi_labels.argsort()] for hois in (together, alone)
    )
    assert together.hoi_labels.tolist() == alone.hoi_labels.tolist()
    # The remaining difference is the frozen backbone's, at the border.
    torch.testing.assert_close(
        together.scores, alone.scores, rtol=0, atol=0.03
    )


@pytest.mark.parametrize('stage', [1, 2])
def test_bf16_autocast(variants, inputs, stage):
    model = variants[''].train()
    model.stage = stage
    model.teacher_head.supervision = 'vllm'
    samples = [make_sample(), make_sample()]
    exact = model.loss(inputs, samples)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model.loss(inputs, samples)
    check_gradients(model, losses)
    for name, value in losses.items():
        assert value.dtype == torch.float32
        if name.startswith('loss'):
            torch.testing.assert_close(value, exact[name], rtol=0.1, atol=0.05)


def test_bf16_predict(model, inputs):
    (exact,) = model.predict(inputs[:1], [make_sample()])
    with torch.autocast('cpu', dtype=torch.bfloat16):
        (coarse,) = model.predict(inputs[:1], [make_sample()])
    torch.testing.assert_close(
        coarse.pred_hois.scores.float(),
        exact.pred_hois.scores,
        rtol=0.1,
        atol=0.01,
    )


def test_roleless_predictions_by_hand():
    """Persons 0 and 2 of image 1 have two pairs.

    There are three verbs, the last one without a role.
    """
    pairs = PairBatch(
        boxes=torch.arange(20.0).reshape(5, 4),
        labels=torch.tensor([PERSON, PERSON, BIKE, PERSON, PERSON]),
        scores=torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5]),
        image_inds=torch.tensor([0, 1, 1, 1, 1]),
        human_inds=torch.tensor([0, 1, 3]),
        object_inds=torch.tensor([0, 2, 2]),
        pair_inds=torch.tensor([0, 1, 1]),
        image_sizes=torch.ones(2, 2),
        num_pairs=[1, 2],
    )
    # Image 0's pair; of image 1, pair 0 twice and pair 1 once.
    rows, image = roleless_predictions(
        torch.tensor([0.8, 0.2, 0.4, 0.3]),
        pairs.human_inds[[0, 1, 1, 2]],
        torch.tensor([1, 0, 0, 1]),
        pairs,
        3,
        PERSON,
        0.5,
    )
    assert image.tolist() == sorted(image.tolist())
    assert rows[image == 0].scores.tolist() == pytest.approx([0.4])
    rows = rows[image == 1]
    found = {
        (box[0], verb): score
        for box, verb, score in zip(
            rows.human_bboxes.tolist(),
            rows.verb_labels.tolist(),
            rows.scores.tolist(),
        )
    }
    # Boxes 1, 3 and 4 are persons and start with 4, 12 and 16; verb 2 is in no
    # pair, so its score stays unknown.
    assert found == pytest.approx(
        {
            (4.0, 0): 0.2,
            (12.0, 1): 0.15,
        }
    )
    assert rows.object_bboxes.isnan().all()
    assert (rows.object_labels == -1).all() and (rows.hoi_labels == -1).all()


def test_roleless_rows_are_added_to_pairs(model, inputs):
    (plain,) = model.predict(inputs[:1], [make_sample()])
    model.post_processor.missing_role_weight = 0.1
    try:
        (full,) = model.predict(inputs[:1], [make_sample()])
        (alone,) = model.predict(inputs[:1], [make_sample([SCENE[0]])])
        (nobody,) = model.predict(inputs[:1], [make_sample(())])
    finally:
        model.post_processor.missing_role_weight = None
    hois = full.pred_hois
    assert (hois.scores.diff() <= 0).all()
    paired = hois[hois.object_labels >= 0]
    for key in FIELDS:
        torch.testing.assert_close(paired[key], plain.pred_hois[key])
    rows = hois[hois.object_labels < 0]
    assert len(rows) > 0 and rows.object_bboxes.isnan().all()
    pairs_of = paired.human_bboxes[None] == rows.human_bboxes[:, None]
    same = pairs_of.all(-1) & (
        paired.verb_labels[None] == rows.verb_labels[:, None]
    )
    best = torch.where(same, paired.scores, 0.0).max(1)[0]
    torch.testing.assert_close(rows.scores, best * 0.1)
    # The park vocabulary has no verb without a role.
    assert len(alone.pred_hois) == len(nobody.pred_hois) == 0


def test_checkpoints_do_not_depend_on_losses(variants):
    """Only parameters that belong to a loss differ."""
    keys = [
        {
            key
            for key in variants[name].state_dict()
            if not key.startswith(('context_loss.', 'icn.'))
        }
        for name in ('', 'context_loss', 'interaction_loss')
    ]
    assert 'context_scorer.log_scale' in keys[0]
    assert keys[0] == keys[1] == keys[2]
