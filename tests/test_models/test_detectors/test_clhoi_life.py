import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from clhoi_mm.registry import MODELS
from tests.test_models.utils import (
    BIKE,
    DOG,
    HOLD_DOG,
    RIDE,
    SCENE,
    VOCABULARY,
    build,
    check_gradients,
    detector_cfg,
    make_detections,
    make_sample,
    model_cfg,
    same_predictions,
    total,
)


@pytest.mark.parametrize(
    'without, expected',
    [
        (dict(vlt=None), 'without a vlt'),
        (
            dict(vlt=None, interaction_loss=None, context_loss=None),
            'without a vlt',
        ),
        (dict(interaction_loss=None, context_loss=None), 'nothing would be'),
    ],
)
def test_invalid_configs_are_errors(without, expected):
    with pytest.raises(ValueError, match=expected):
        build(model_cfg(**without))


def test_missing_pseudo_labels_are_an_error(variants, inputs):
    model = variants['']
    model.teacher_head.supervision = 'vllm'
    sample = make_sample(img_id=7)
    del sample.teacher
    with pytest.raises(ValueError, match='7.png.*LoadTeacherKnowledge'):
        model.loss(inputs[:1], [sample])


def test_through_the_data_preprocessor(model):
    """Run mmdet's three modes on uint8 images of two sizes."""
    data = dict(
        inputs=[
            torch.randint(0, 255, (3, 64, 96), dtype=torch.uint8),
            torch.randint(0, 255, (3, 48, 64), dtype=torch.uint8),
        ],
        data_samples=[make_sample(), make_sample(size=(48, 64))],
    )
    results = model.test_step(data)
    assert [len(r.pred_hois) for r in results] == [16, 16]
    data = model.data_preprocessor(data, False)
    assert data['inputs'].shape == (2, 3, 64, 96)
    assert model(**data, mode='tensor').logits.size(1) == VOCABULARY.num_hois
    losses = model(**data, mode='loss')
    assert isinstance(model.parse_losses(losses)[0], torch.Tensor)


def test_visual_encoder_replaces_the_detectors_features(inputs):
    encoder = dict(
        type='ResNet', depth=18, base_channels=2, out_indices=(1, 2, 3)
    )
    cfg = model_cfg(visual_encoder=encoder)
    cfg['vlt'].update(levels=(-1,))
    cfg['icn']['roi_extractor'].update(out_channels=4)
    model = build(cfg | dict(vlt=cfg['vlt'] | dict(in_channels=16)))
    check_gradients(model, model.loss(inputs, [make_sample(), make_sample()]))
    grads = [p.grad for p in model.visual_encoder.parameters()]
    assert any(g.abs().sum() > 0 for g in grads)
    assert len(model.eval().predict(inputs, [make_sample(None)] * 2)) == 2


def test_checkpoint_loads_without_text_encoder(model, inputs, tmp_path):
    """A checkpoint contains phrases, label map and detector."""
    torch.save(model.state_dict(), tmp_path / 'model.pth')
    cfg = model_cfg(detector=detector_cfg(allow_random=False, classes=None))
    cfg['teacher_head']['text_encoder'] = dict(
        type='CLIPTextEncoder', path='nowhere'
    )
    torch.manual_seed(1)
    other = MODELS.build(ConfigDict(cfg)).eval()
    with pytest.raises(FileNotFoundError, match='weights were not loaded'):
        other.predict(inputs[:1], [make_sample()])
    other.load_state_dict(torch.load(tmp_path / 'model.pth'))
    for rows in (SCENE, None):
        (one,) = model.predict(inputs[:1], [make_sample(rows)])
        (two,) = other.predict(inputs[:1], [make_sample(rows)])
        same_predictions(one, two)


def test_overfits_one_image(inputs):
    """Image-level labels suffice to score the labeled classes highest."""
    model = build(model_cfg()).train()
    sample = make_sample(
        pseudo_labels=((RIDE, BIKE, 1.0), (HOLD_DOG, DOG, 1.0))
    )
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=3e-3)
    for _ in range(30):
        optimizer.zero_grad()
        total(model.loss(inputs[:1], [sample.clone()])).backward()
        optimizer.step()
    pred = model.eval().predict(inputs[:1], [sample])[0].pred_hois
    for label, hoi in ((BIKE, RIDE), (DOG, HOLD_DOG)):
        assert pred.hoi_labels[pred.object_labels == label][0] == hoi


def test_detections_may_have_extra_fields(model, inputs):
    sample = make_sample()
    detections = make_detections(SCENE)
    sample.detections = InstanceData(
        **detections, query_inds=torch.arange(len(SCENE))
    )
    (one,) = model.predict(inputs[:1], [sample])
    (two,) = model.predict(inputs[:1], [make_sample()])
    same_predictions(one, two)
