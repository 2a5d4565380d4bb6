from dataclasses import dataclass
from typing import Optional

from torch import Tensor


@dataclass
class TeacherTargets:
    """What a batch of B images is taught, whatever the source.

    Attributes:
        captions (Tensor): Caption embeddings, (B, d).
        has_caption (Tensor): Images that have one, (B,), bool.
        sentences (Tensor): Sentence embeddings, padded, (B, K, d).
        has_sentence (Tensor): Which of them are real, (B, K), bool.
        phrases (Tensor): Embeddings of the image's interactions, centred as
            the vocabulary's, padded, (B, M, d).
        hois (Tensor): Their HOI classes, -1 outside the vocabulary or for
            padding, (B, M).
        objects (Tensor): Their object labels, -1 if unknown, (B, M).
        weights (Tensor): Their confidences, 0 for padding, (B, M).
        image_scores (Tensor): Confidence that a class is in the image, 0
            where unmentioned, (B, C).
        known (Tensor): Images of which anything is known, (B,), bool.
        complete (bool): Whether what is not mentioned is false, as with
            annotations, rather than left unsaid, as with a VLLM.
        pair_labels (Tensor, optional): Classes of each pair with
            instance-level supervision, (P, C), float.
    """

    captions: Tensor
    has_caption: Tensor
    sentences: Tensor
    has_sentence: Tensor
    phrases: Tensor
    hois: Tensor
    objects: Tensor
    weights: Tensor
    image_scores: Tensor
    known: Tensor
    complete: bool = False
    pair_labels: Optional[Tensor] = None
