from dataclasses import dataclass
from typing import Optional, Sequence

from torch import Tensor

from clhoi_mm.structures import HOIDataSample

from ..heads import Context, PairPredictions
from ..task_modules import PairBatch


@dataclass
class EncodedBatch:
    """Outputs of the parts of :class:`CLHOI` for a batch.

    Attributes:
        inputs (Tensor): Images, (B, 3, H, W).
        samples (list[HOIDataSample]): Their samples.
        maps (tuple): Feature maps of the detector and of the visual encoder,
            see :meth:`CLHOI.extract_feat`.
        context (Context, optional): Output of the VLT, if there is one.
        pairs (PairBatch, optional): Candidate pairs; None during context
            distillation alone.
        predictions (PairPredictions, optional): Predictions for these pairs.
    """

    inputs: Tensor
    samples: list[HOIDataSample]
    maps: tuple[Sequence[Tensor], Sequence[Tensor]]
    context: Optional[Context] = None
    pairs: Optional[PairBatch] = None
    predictions: Optional[PairPredictions] = None
