import torch

from ..task_modules import PairBatch
from .interaction_cognition_network import PairPredictions
from .phrase_classifier import PhraseClassifier
from .visual_linguistic_translator import Context


def score_pairs_by_context(
    context: Context,
    pairs: PairBatch,
    classifier: PhraseClassifier,
    log_scale: torch.Tensor,
) -> PairPredictions:
    """Score pairs by the similarity of their image to the classes' phrases.

    Args:
        context (Context): Output of the VLT.
        pairs (PairBatch): P pairs.
        classifier (PhraseClassifier): The classes.
        log_scale (Tensor): Logarithm of the inverse temperature, a scalar.

    Returns:
        PairPredictions: Pairs of one image have equal logits, in float32.
    """
    embeds = context.image_embed[pairs.pair_inds]
    valid = classifier.hoi_objects[None] == pairs.object_labels[:, None]
    with torch.autocast(embeds.device.type, enabled=False):
        logits = log_scale.exp() * (embeds @ classifier.hoi_phrases.T - 1)
    return PairPredictions(
        embeds, classifier.score_no_interaction(logits, valid), valid
    )
