"""Exported VLT and ICN equal the eager model."""

import pytest
import torch

from clhoi_mm.models.exportable_interaction_head import (
    ExportableInteractionHead,
    export_interactions,
)
from clhoi_mm.models.layers import TraceableRoIExtractor
from clhoi_mm.models.task_modules import PlattScaling
from tests.test_models.test_detectors.test_frozen_detector import DETR
from tests.test_models.utils import (
    BENCH,
    BIKE,
    DOG,
    FCOS,
    PERSON,
    SIZE,
    build,
    detector_cfg,
    make_sample,
    model_cfg,
)

NAMES = ('boxes', 'labels', 'scores', 'human_inds', 'object_inds')


@pytest.fixture(scope='module', params=['queries', 'one level', 'pyramid'])
def model(request):
    """Build models with RoIs of zero, one and three maps."""
    cfg = model_cfg()
    if request.param == 'queries':
        cfg = model_cfg(
            detector=detector_cfg(
                dict(DETR, data_preprocessor=FCOS['data_preprocessor'])
            )
        )
        cfg['icn'].update(roi_extractor=None, query_embed_channels=16)
        cfg['vlt']['levels'] = (0,)
    elif request.param == 'pyramid':
        cfg['icn']['roi_extractor'].update(
            featmap_strides=[8, 16, 32], finest_scale=12
        )
    cfg['pairing'].update(max_humans=9, max_objects=9, max_pairs=99)
    return build(cfg).eval()


def tensors(model, count):
    """Build inputs for an image with given numbers of instances."""
    labels = [PERSON] * count + [BIKE, DOG, BENCH][:count]
    sample = make_sample(
        [
            (label, 0.9 - i / 100, (i, i, i + 9 + 9 * i, i + 20 + 5 * i))
            for i, label in enumerate(labels)
        ]
    )
    if model.icn.query_embed_channels:
        sample.detections.query_embeds = torch.randn(len(labels), 16)
    image = torch.rand(1, 3, *SIZE)
    feats = model.detector.extract_feat(image)
    pairs = model.generate_pairs(image, feats, [sample])
    args = dict(feats=feats, image_size=pairs.image_sizes)
    args.update((name, getattr(pairs, name)) for name in NAMES)
    if pairs.query_embeds is not None:
        args['query_embeds'] = pairs.query_embeds
    return sample, image, args


@torch.no_grad()
def test_head_equals_model_predictions(model):
    sample, image, args = tensors(model, 3)
    scores = ExportableInteractionHead(model)(**args)
    hois = model.predict(image, [sample])[0].pred_hois
    best = scores.flatten().sort(descending=True).values
    torch.testing.assert_close(best[: len(hois)], hois.scores)


@torch.no_grad()
def test_export_with_any_number_of_pairs(model):
    part, program = (
        ExportableInteractionHead(model),
        export_interactions(model, *SIZE),
    )
    for count in (2, 3, 5):
        args = tensors(model, count)[2]
        torch.testing.assert_close(program.module()(**args), part(**args))


@torch.no_grad()
def test_onnx_with_any_number_of_pairs(model, tmp_path):
    pytest.importorskip('onnxscript')
    runtime = pytest.importorskip('onnxruntime')
    part, program = (
        ExportableInteractionHead(model),
        export_interactions(model, *SIZE),
    )
    path = tmp_path / 'part.onnx'
    torch.onnx.export(program, f=path, verbose=False)
    session = runtime.InferenceSession(path)
    names = [node.name for node in session.get_inputs()]
    for count in (2, 3, 5):
        args = tensors(model, count)[2]
        wanted = part(**args)
        feats = {f'feats_{i}': f for i, f in enumerate(args.pop('feats'))}
        feed = {n: {**feats, **args}[n].numpy() for n in names}
        (scores,) = session.run(None, feed)
        torch.testing.assert_close(
            torch.tensor(scores), wanted, rtol=1e-4, atol=1e-5
        )


@pytest.mark.slow
@torch.no_grad()
def test_compiled_with_any_number_of_pairs(model):
    part = ExportableInteractionHead(model)
    # Equal boxes are pooled once, so the number of RoIs depends on data.
    has_rois = part.icn.roi_extractor is not None
    compiled = torch.compile(part, dynamic=True, fullgraph=not has_rois)
    for count in (2, 3, 5):
        args = tensors(model, count)[2]
        torch.testing.assert_close(
            compiled(**args), part(**args), rtol=1e-4, atol=1e-5
        )


@torch.no_grad()
def test_calibrated_scores_are_exported(model, monkeypatch):
    args = tensors(model, 3)[2]
    plain = ExportableInteractionHead(model)(**args)
    calibration = PlattScaling(scale=0.5, bias=1.0)
    monkeypatch.setattr(model.post_processor, 'calibration', calibration)
    found = ExportableInteractionHead(model)(**args)
    torch.testing.assert_close(
        found, torch.where(plain > 0, calibration(plain), 0.0)
    )
    assert not torch.allclose(found, plain)


@torch.no_grad()
def test_roi_extractor_equals_mmdets(model):
    extractor = model.icn.roi_extractor
    if extractor is None:
        pytest.skip('this model pools no RoIs')
    image = torch.rand(1, 3, *SIZE)
    feats = model.detector.extract_feat(image)[: extractor.num_inputs]
    boxes = torch.rand(40, 4) * 30
    boxes[:, 2:] += boxes[:, :2] + torch.logspace(0, 1.7, 40)[:, None]
    rois = torch.cat([boxes.new_zeros(40, 1), boxes], 1)
    torch.testing.assert_close(
        TraceableRoIExtractor(extractor)(feats, rois), extractor(feats, rois)
    )


def test_unsupported_roi_extractor_is_refused():
    cfg = model_cfg()
    cfg['icn']['roi_extractor']['roi_layer'] = dict(
        type='RoIPool', output_size=3
    )
    with pytest.raises(ValueError, match='RoIAlign layers .* not Single'):
        ExportableInteractionHead(build(cfg))
