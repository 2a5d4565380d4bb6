"""What torch's compilers make of VLT and ICN says the same."""

import pytest
import torch

from clhoi_mm.models.interaction_part import InteractionPart
from tests.test_models.test_detectors.test_frozen_detector import DETR
from tests.test_models.utils import (
    BENCH,
    BIKE,
    DOG,
    FCOS,
    PERSON,
    SIZE,
    build,
    make_sample,
    model_cfg,
)

NAMES = ('boxes', 'labels', 'scores', 'states', 'human_inds', 'object_inds')


@pytest.fixture(scope='module')
def model():
    cfg = model_cfg(
        detector=dict(DETR, data_preprocessor=FCOS['data_preprocessor'])
    )
    cfg['icn'].update(roi_extractor=None, state_channels=16)
    cfg['vlt']['levels'] = (0,)
    cfg['pairing'].update(max_humans=9, max_objects=9, max_pairs=99)
    return build(cfg).eval()


def tensors(model, count):
    """Arguments for an image with that many persons and things."""
    labels = [PERSON] * count + [BIKE, DOG, BENCH][:count]
    sample = make_sample(
        [
            (label, 0.9 - i / 100, (i, i, i + 9 + i, i + 20))
            for i, label in enumerate(labels)
        ]
    )
    sample.detections.states = torch.randn(len(labels), 16)
    image = torch.rand(1, 3, *SIZE)
    feats = model.detector.extract_feat(image)
    pairs = model.find_pairs(image, feats, [sample])
    return (
        sample,
        image,
        (feats, *(getattr(pairs, n) for n in NAMES), pairs.image_sizes),
    )


@torch.no_grad()
def test_it_is_what_the_model_predicts(model):
    sample, image, args = tensors(model, 3)
    scores = InteractionPart(model)(*args)
    hois = model.predict(image, [sample])[0].pred_hois
    best = scores.flatten().sort(descending=True).values
    torch.testing.assert_close(best[: len(hois)], hois.scores)


def exported(part, args):
    pairs, instances = (
        torch.export.Dim(name, min=2, max=4096)
        for name in ('pairs', 'instances')
    )
    shapes = dict(feats=(None,), image_size=None)
    shapes.update(
        {
            name: {0: pairs if name.endswith('_inds') else instances}
            for name in NAMES
        }
    )
    return torch.export.export(
        part, args, dynamic_shapes=shapes, strict=False
    ).module()


@torch.no_grad()
def test_export_with_any_number_of_pairs(model):
    part = InteractionPart(model)
    program = exported(part, tensors(model, 3)[2])
    for count in (2, 3, 5):
        args = tensors(model, count)[2]
        torch.testing.assert_close(program(*args), part(*args))


@pytest.mark.slow
@torch.no_grad()
def test_compiled_with_any_number_of_pairs(model):
    part = InteractionPart(model)
    compiled = torch.compile(part, dynamic=True, fullgraph=True)
    for count in (2, 3, 5):
        args = tensors(model, count)[2]
        torch.testing.assert_close(
            compiled(*args), part(*args), rtol=1e-4, atol=1e-5
        )


def test_a_model_that_pools_is_refused():
    with pytest.raises(ValueError, match='pools no RoIs'):
        InteractionPart(build(model_cfg()))
