"""Hand-written targets."""

from typing import Optional

import torch
from torch import Tensor

from clhoi_mm.models import HOITargets
from tests.test_models.utils import VOCABULARY


def make_targets(
    captions: Tensor,
    has_caption: Optional[Tensor] = None,
    sentences: Optional[Tensor] = None,
    has_sentence: Optional[Tensor] = None,
    phrases: Optional[Tensor] = None,
    hois: Optional[Tensor] = None,
    objects: Optional[Tensor] = None,
    weights: Optional[Tensor] = None,
    is_labeled: Optional[Tensor] = None,
    pair_labels: Optional[Tensor] = None,
) -> HOITargets:
    """Build targets; omitted fields are empty.

    image_targets follow from hois and weights.
    """
    batch, dim = captions.shape
    if has_caption is None:
        has_caption = torch.ones(batch, dtype=torch.bool)
    if sentences is None:
        sentences = torch.zeros(batch, 1, dim)
        has_sentence = torch.zeros(batch, 1, dtype=torch.bool)
    if has_sentence is None:
        has_sentence = torch.ones(sentences.shape[:2], dtype=torch.bool)
    if hois is None:
        hois = torch.full((batch, 0), -1)
        objects, weights = hois.clone(), hois.float()
        phrases = torch.zeros(batch, 0, dim)
    scores = torch.zeros(batch, VOCABULARY.num_hois)
    for image in range(batch):
        for hoi, weight in zip(hois[image], weights[image]):
            if hoi >= 0:
                scores[image, hoi] = max(scores[image, hoi], weight)
    return HOITargets(
        captions=captions,
        has_caption=has_caption,
        sentences=sentences,
        has_sentence=has_sentence,
        phrases=phrases,
        hois=hois,
        objects=objects,
        weights=weights,
        image_targets=scores,
        is_labeled=torch.ones(batch, dtype=torch.bool)
        if is_labeled is None
        else is_labeled,
        pair_labels=pair_labels,
    )
