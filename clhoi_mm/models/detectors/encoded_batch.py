from dataclasses import dataclass
from typing import Optional, Sequence

from torch import Tensor

from clhoi_mm.structures import HOIDataSample

from ..heads import Context, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch


@dataclass
class EncodedBatch:
    """Outputs of the parts of :class:`CLHOI` for a batch of B images.

    Attributes:
        inputs (Tensor): Images, (B, 3, H, W).
        samples (list[HOIDataSample]): Their samples.
        classifier (PhraseClassifier): Classifier of the pairs.
        feats (Sequence[Tensor]): The detector's maps, each (B, C, h, w).
        vlt_feats (Sequence[Tensor]): Maps that the VLT reads.
        icn_feats (Sequence[Tensor]): Maps that the ICN reads.
        pairs (PairBatch, optional): Candidate pairs; None during context
            distillation alone.
        context (Context, optional): Output of the VLT, if there is one.
        predictions (PairPredictions, optional): Predictions for the pairs.
    """

    inputs: Tensor
    samples: list[HOIDataSample]
    classifier: PhraseClassifier
    feats: Sequence[Tensor]
    vlt_feats: Sequence[Tensor]
    icn_feats: Sequence[Tensor]
    pairs: Optional[PairBatch] = None
    context: Optional[Context] = None
    predictions: Optional[PairPredictions] = None
