import pytest
import torch

from clhoi_mm.models.acceleration import accelerate
from tests.test_models.utils import (
    FCOS,
    SCENE,
    build,
    check_gradients,
    make_sample,
    model_cfg,
)


def cfg(**overrides):
    parts = dict(
        detector=dict(type='PrecomputedDetections'),
        vlt=None,
        context_loss=None,
    )
    made = model_cfg(**{**parts, **overrides})
    if 'icn' not in overrides:
        made['icn'].pop('roi_extractor')
    return made


def data(*samples):
    return dict(
        inputs=[torch.zeros(3, 1, 1, dtype=torch.uint8) for _ in samples],
        data_samples=list(samples),
    )


@pytest.mark.parametrize('supervision', ['vllm', 'image', 'instance'])
def test_trains_and_predicts_on_given_boxes(supervision):
    made = cfg()
    made['teacher_head']['supervision'] = supervision
    model = build(made)
    batch = model.data_preprocessor(data(make_sample(), make_sample(img_id=1)))
    losses = model(**batch, mode='loss')
    assert losses['loss_mil'] > 0
    check_gradients(model, losses)
    model.eval()
    sample = model(**batch, mode='predict')[0]
    boxes = torch.tensor([row[2] for row in SCENE]).float()
    assert torch.equal(sample.pred_instances.bboxes, boxes)
    # Two persons with each other, the bike and the dog; no class has a car.
    # Classes: hug; ride, hold, no_interaction; feed, hold, hug,
    # no_interaction.
    assert len(sample.pred_hois.scores) == 2 * (1 + 3 + 4)
    assert not any(k.startswith('detector') for k in model.state_dict())
    accelerate(model.detector)


def test_images_are_not_loaded():
    model = build(cfg())
    batch = data(make_sample())
    batch['inputs'] = [torch.zeros(3, 4000, 6000, dtype=torch.uint8)]
    assert model.data_preprocessor(batch)['inputs'].shape == (1, 0)


def test_missing_detections_are_an_error():
    model = build(cfg())
    batch = model.data_preprocessor(data(make_sample(rows=None)))
    with pytest.raises(
        ValueError,
        match='0.png comes without detections, '
        'and model.detector is PrecomputedDetections; put LoadDetections',
    ):
        model(**batch, mode='loss')


@pytest.mark.parametrize(
    'option',
    [
        dict(vlt=model_cfg()['vlt']),
        dict(visual_encoder=dict(type='ResNet')),
        dict(icn=model_cfg()['icn']),
        dict(icn=dict(type='ICN', text_dim=32, query_embed_channels=8)),
    ],
)
def test_options_that_need_a_detector_are_refused(option):
    with pytest.raises(ValueError) as error:
        build(cfg(**option))
    name = next(iter(option))
    part = {'icn': 'icn.'}.get(name, f'{name} needs')
    refusal = f'model.detector is PrecomputedDetections, and {part}'
    assert refusal in str(error.value)
    with pytest.raises(ValueError, match='is PrecomputedDetections'):
        build(cfg()).detector.featmap_spec()


@pytest.mark.parametrize('detector', [None, FCOS, dict(type='Pad')])
def test_adapter_without_a_detector_is_refused(detector):
    with pytest.raises(ValueError, match="no adapter.*'FrozenDetector'"):
        build(model_cfg(detector=detector))
