from typing import Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from clhoi_mm.registry import MODELS

from ..task_modules import PairBatch
from .interaction_cognition_network import PairPredictions
from .phrase_classifier import PhraseClassifier


@MODELS.register_module()
class BaselineICN(BaseModule):
    """Baseline that scores pairs by class priors or at random.

    Replaces the ICN, so that detections, pairs and evaluation are the same as
    those of the models it is compared with.

    Args:
        class_scores (Sequence[float], optional): Score of each HOI class for
            any pair with its object, in (0, 1). Defaults to None: random
            scores.
        seed (int): Seed of the random scores. Defaults to 0.
        with_context (bool): Not used; part of the ICN's interface.
    """

    def __init__(
        self,
        class_scores: Optional[Sequence[float]] = None,
        seed: int = 0,
        with_context: bool = True,
    ) -> None:
        super().__init__()
        self.class_scores = class_scores
        self.generator = torch.Generator().manual_seed(seed)

    def forward(
        self,
        feats: Sequence[Tensor],
        pairs: PairBatch,
        phrases: PhraseClassifier,
        context: Optional[Tensor] = None,
    ) -> PairPredictions:
        """Score the pairs of a batch.

        Args:
            feats (Sequence[Tensor]): Not used.
            pairs (PairBatch): The P pairs.
            phrases (PhraseClassifier): The vocabulary's phrases.
            context (Tensor, optional): Not used.

        Returns:
            PairPredictions: Logits of the pairs; embeddings are zero.
        """
        valid = phrases.hoi_objects[None] == pairs.object_labels[:, None]
        if self.class_scores is None:
            scores = torch.rand(valid.shape, generator=self.generator)
        else:
            scores = torch.tensor(self.class_scores).expand(valid.shape)
        return PairPredictions(
            embeds=pairs.boxes.new_zeros(len(pairs), phrases.text_dim),
            logits=torch.logit(scores.to(pairs.boxes), eps=1e-6),
            valid=valid,
        )
