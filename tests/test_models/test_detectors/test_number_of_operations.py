"""The head's operation count does not depend on the data.

Neither the number of pairs nor the number of images changes it.
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.test_models.utils import (
    BENCH,
    BIKE,
    DOG,
    PERSON,
    build,
    make_sample,
    model_cfg,
)

# Copies into another layout depend on the strides.
LAYOUT = ('aten::clone', 'aten::_unsafe_view', 'aten::copy_')


class Counter(TorchDispatchMode):
    """Counter of dispatched operations other than views."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        views = any(
            r.alias_info is not None and not r.alias_info.is_write
            for r in func._schema.returns
        )
        self.count += not views and func.name() not in LAYOUT
        return func(*args, **(kwargs or {}))


def crowd(persons, things):
    """Build a scene with persons and objects, all possible pairs."""
    labels = [PERSON] * persons + [BIKE, DOG, BENCH] * things
    return [
        (label, 0.9 - i / 1000, (i, i / 2, i + 12, i / 2 + 20))
        for i, label in enumerate(labels[: persons + things])
    ]


@pytest.fixture(scope='module')
def wide():
    cfg = model_cfg()
    cfg['pairing'].update(max_humans=99, max_objects=99, max_pairs=500)
    return build(cfg).eval()


def count(model, scenes, work):
    samples = [make_sample(scene) for scene in scenes]
    inputs = torch.rand(len(scenes), 3, 64, 96)
    feats = model.detector.extract_feat(inputs)
    model.detector.extract_feat = lambda *args, **kwargs: feats
    try:
        work(model, inputs, samples)
        with Counter() as counter:
            work(model, inputs, samples)
    finally:
        del model.detector.extract_feat
    return counter.count, samples


def predict(model, inputs, samples):
    model.predict(inputs, samples)


@pytest.mark.parametrize('weight', [None, 0.1])
def test_operations_of_prediction_are_constant(wide, weight, monkeypatch):
    monkeypatch.setattr(wide.post_processor, 'missing_role_weight', weight)
    few, samples = count(wide, [crowd(2, 4)], predict)
    many, crowded = count(wide, [crowd(10, 11)], predict)
    assert len(samples[0].pred_hois) < len(crowded[0].pred_hois)
    assert few == many
    four, _ = count(
        wide, [crowd(2, 4), crowd(5, 3), crowd(1, 1), crowd(3, 2)], predict
    )
    assert few == four


def test_operations_of_icn_and_loss_are_constant(wide):

    def loss(model, inputs, samples):
        feats = model.detector.extract_feat(inputs)
        pairs = model.generate_pairs(inputs, feats, samples)
        targets = model.teacher_head(samples, pairs)
        with Counter() as counter:
            model.interaction_loss(
                model.student.score_pairs(
                    feats, pairs, None, model.teacher_head.classifier
                ),
                pairs,
                targets,
                model.teacher_head.classifier,
            )
        counts.append(counter.count)

    counts = []
    for scenes in (
        [crowd(2, 4)],
        [crowd(10, 11)],
        [crowd(2, 4), crowd(5, 3), crowd(1, 1), crowd(3, 2)],
    ):
        count(wide, scenes, loss)
    assert len(counts) == 6 and len(set(counts)) == 1
