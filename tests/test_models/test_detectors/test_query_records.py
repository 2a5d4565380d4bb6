import pytest
import torch

from tests.test_models.test_detectors.test_frozen_detector import (
    DETR,
    FCOS,
    frozen,
)
from tests.test_models.utils import make_sample


def detect(detector, inputs):
    samples = [make_sample(None, img_id=i) for i in range(len(inputs))]
    return detector.detect(inputs, detector.extract_feat(inputs), samples)


def test_query_embeds_belong_to_detections(inputs):
    """The head's branches reproduce boxes and scores from the embeddings."""
    detector = frozen(DETR)
    head, calls = detector.model.bbox_head, []
    detector.model.decoder.register_forward_hook(lambda *_: calls.append(1))
    found = detect(detector, inputs)
    assert calls == [1]
    for result in found:
        assert result.query_inds.unique().numel() == len(result)
        assert result.query_embeds.shape == (len(result), 16)
        assert not result.query_embeds.requires_grad
        scores, _ = head(result.query_embeds[None, None])
        scores = scores[0, 0].softmax(-1)[:, :-1].max(-1).values
        torch.testing.assert_close(scores, result.scores)


def test_nothing_is_recorded_after_an_error(inputs, monkeypatch):
    detector = frozen(DETR)
    head = detector.model.bbox_head
    detect(detector, inputs)
    monkeypatch.setattr(
        head,
        'predict_by_feat',
        lambda *args, **kwargs: (_ for _ in ()).throw(OSError('no more')),
    )
    with pytest.raises(OSError, match='no more'):
        detect(detector, inputs)
    assert head.records is None and head._query_embeds is None


def test_detectors_without_queries_have_none(inputs):
    for result in detect(frozen(FCOS), inputs):
        assert 'query_inds' not in result and 'query_embeds' not in result
