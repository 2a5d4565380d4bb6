"""ICN with the query embeddings of the detector's decoder."""

import pytest
import torch
from mmengine.structures import InstanceData

from clhoi_mm.datasets import DetectionFile, DetectionFileWriter
from clhoi_mm.datasets.detection_file import DetectorView
from clhoi_mm.models.detectors.match_query_embeds import match_query_embeds
from tests.test_models.test_detectors.test_frozen_detector import DETR
from tests.test_models.utils import FCOS as ANCHOR_FREE
from tests.test_models.utils import (
    SCENE,
    SIZE,
    build,
    check_gradients,
    detector_cfg,
    make_sample,
    model_cfg,
    same_predictions,
)


def score_pairs(model, feats, pairs):
    phrases = model.teacher_head.classifier
    return model.student.score_pairs(feats, pairs, None, phrases)


@pytest.fixture(scope='module')
def student():
    preprocessor = ANCHOR_FREE['data_preprocessor']
    detector = dict(DETR, data_preprocessor=preprocessor)
    cfg = model_cfg(detector=detector_cfg(detector))
    cfg['icn'].update(roi_extractor=None, query_embed_channels=16)
    cfg['vlt']['levels'] = (0,)
    model = build(cfg).eval()
    # Random weights predict one class everywhere: half of the queries are set
    # to person here, the others to bicycle.
    head = model.detector.model.bbox_head
    with torch.no_grad():
        head.fc_cls.weight.normal_()
        head.fc_cls.bias[[4, 3]] = 8.0
    return model


def test_pairs_differ_by_query_embeds_alone(student, inputs):
    feats = student.detector.extract_feat(inputs[:1])
    sample = make_sample()
    pairs = student.generate_pairs(inputs[:1], feats, [sample])
    one = score_pairs(student, feats, pairs)
    pairs.query_embeds = pairs.query_embeds.flip(0)
    other = score_pairs(student, feats, pairs)
    assert len(pairs) > 2
    for name in ('embeds', 'class_logits', 'interactiveness'):
        assert not torch.allclose(getattr(one, name), getattr(other, name))
    # A pair is distinguished by its own instances' query embeddings.
    pair = 1
    pairs.query_embeds = torch.randn_like(pairs.query_embeds)
    evidence = student.icn.gather(feats, pairs, student.classifier)
    tokens = student.icn.encoder(evidence)
    kept = torch.stack([pairs.human_inds[pair], pairs.object_inds[pair]])
    changed = torch.randn_like(pairs.query_embeds)
    changed[kept] = pairs.query_embeds[kept]
    pairs.query_embeds = changed
    evidence = student.icn.gather(feats, pairs, student.classifier)
    torch.testing.assert_close(
        student.icn.encoder(evidence)[pair], tokens[pair]
    )


def test_training_and_prediction(student, inputs):
    samples = [make_sample(), make_sample(())]
    check_gradients(student.train(), student.loss(inputs, samples))
    student.eval()
    (live,) = student.predict(inputs[:1], [make_sample(None)])
    assert len(live.pred_instances) > 0


def test_given_boxes_use_the_nearest_query_embedding(student, inputs):
    found = InstanceData(
        bboxes=torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]]),
        query_embeds=torch.tensor([[1.0], [2.0]]),
    )
    given = InstanceData(
        bboxes=torch.tensor([[21.0, 20, 40, 41], [0, 0, 9, 9]])
    )
    assert match_query_embeds(given, found).query_embeds.tolist() == [
        [2.0],
        [1.0],
    ]
    assert 'query_embeds' not in given
    assert 'query_embeds' not in match_query_embeds(given, found[:0])
    own = make_sample()
    feats = student.detector.extract_feat(inputs[:1])
    theirs = student.detector.detect(inputs[:1], feats, [own])[0]
    lent = match_query_embeds(own.detections, theirs)
    assert len(lent) == len(SCENE)
    pairs = student.generate_pairs(inputs[:1], feats, [own])
    of_box = {
        tuple(b): s for b, s in zip(lent.bboxes.tolist(), lent.query_embeds)
    }
    for box, state in zip(pairs.boxes.tolist(), pairs.query_embeds):
        assert torch.equal(of_box[tuple(box)], state)


def test_detector_without_queries_is_an_error(inputs):
    cfg = model_cfg()
    cfg['icn'].update(roi_extractor=None, query_embed_channels=16)
    model = build(cfg).eval()
    with pytest.raises(ValueError, match='query_embed_channels=16.*no query'):
        model.predict(inputs[:1], [make_sample()])


def test_other_embedding_width_is_an_error(inputs, student):
    feats = student.detector.extract_feat(inputs[:1])
    pairs = student.generate_pairs(inputs[:1], feats, [make_sample()])
    pairs.query_embeds = pairs.query_embeds[:, :8]
    with pytest.raises(ValueError, match='query embeddings of 8 channels'):
        score_pairs(student, feats, pairs)


def test_cached_query_embeds_equal_the_live_ones(student, inputs, tmp_path):
    path = tmp_path / 'f.safetensors'
    sample = make_sample(None)
    feats = student.detector.extract_feat(inputs[:1])
    found = student.detector.detect(inputs[:1], feats, [sample])[0]
    found = found[found.labels >= 0]
    assert len(found) > 1
    nothing = found[:0]
    with DetectionFileWriter(
        path,
        student.detector.identity,
        student.detector.vocabulary.objects,
        dict(roi_extractor=None),
    ) as writer:
        for key, rows in (('a', found), ('b', nothing)):
            writer.add(
                key,
                False,
                [SIZE] * 3,
                (1.0, 1.0),
                {k: v.numpy() for k, v in rows.items()},
                [level[0].numpy() for level in feats],
                torch.zeros(0, 4).numpy(),
                torch.zeros(0, 0).numpy(),
            )
    file = DetectionFile(path)
    torch.testing.assert_close(
        torch.from_numpy(file.detections(0)['query_embeds']),
        found.query_embeds,
        rtol=1e-3,
        atol=1e-3,
    )
    assert file.detections(1)['query_embeds'].shape == (0, 16)
    cached = make_sample(None)
    cached.set_metainfo(dict(detector_view=DetectorView(file, 0)))
    (live,) = student.predict(inputs[:1], [make_sample(None)])
    (cached,) = student.predict(torch.zeros(1, 3, 32, 32), [cached])
    same_predictions(cached, live, rtol=1e-2, atol=1e-3)
