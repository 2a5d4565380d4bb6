import math

import torch
from torch import nn

from ..task_modules import PairBatch
from .interaction_cognition_network import PairPredictions
from .phrase_classifier import PhraseClassifier
from .visual_linguistic_translator import Context


class ContextScorer(nn.Module):
    """Scores of pairs by the similarity of their image to phrases.

    Scores the pairs of a model without ICN. The context distillation compares
    images and captions at the same learned temperature.

    Args:
        temperature (float): Temperature at the start. Defaults to 0.1.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))

    def forward(
        self, context: Context, pairs: PairBatch, classifier: PhraseClassifier
    ) -> PairPredictions:
        """Score pairs.

        Args:
            context (Context): Output of the VLT for B images.
            pairs (PairBatch): Their P pairs.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            PairPredictions: Pairs of one image have equal logits, in float32.
        """
        embeds = context.image_embed[pairs.pair_inds]
        valid = classifier.hoi_objects[None] == pairs.object_labels[:, None]
        with torch.autocast(embeds.device.type, enabled=False):
            similarity = embeds @ classifier.hoi_phrases.T - 1
            logits = self.log_scale.exp() * similarity
        return PairPredictions(
            embeds, classifier.score_no_interaction(logits, valid), valid
        )
