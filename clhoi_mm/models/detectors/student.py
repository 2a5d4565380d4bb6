from dataclasses import replace
from typing import Optional, Sequence

from torch import Tensor, nn

from clhoi_mm.structures import HOIDataSample

from ..heads import (
    Context,
    ContextScorer,
    PairPredictions,
    PhraseClassifier,
)
from ..task_modules import PairBatch
from .cached_feats import CachedFeats
from .encoded_batch import EncodedBatch
from .padding_mask import padding_mask


class Student:
    """VLT and ICN of a model, run on a batch.

    It is no module: the model or a :class:`SelfTeacher` owns the parts.

    Args:
        vlt (nn.Module, optional): The VLT.
        icn (nn.Module, optional): The ICN.
        scorer (ContextScorer, optional): Scores pairs without an ICN.
    """

    def __init__(
        self,
        vlt: Optional[nn.Module],
        icn: Optional[nn.Module],
        scorer: Optional[ContextScorer] = None,
    ) -> None:
        self.vlt = vlt
        self.icn = icn
        self.scorer = scorer

    def encode(
        self, batch: EncodedBatch, with_text: bool = True
    ) -> EncodedBatch:
        """Complete a batch by its context and, if it has pairs, their scores.

        Args:
            batch (EncodedBatch): With feature maps and perhaps pairs.
            with_text (bool): See :meth:`encode_context`.

        Returns:
            EncodedBatch: With ``context`` and ``predictions``.
        """
        context = self.encode_context(
            batch.inputs, batch.vlt_feats, batch.samples, with_text
        )
        predictions = None
        if batch.pairs is not None:
            predictions = self.score_pairs(
                batch.icn_feats, batch.pairs, context, batch.classifier
            )
        return replace(batch, context=context, predictions=predictions)

    def encode_context(
        self,
        inputs: Tensor,
        feats: Sequence[Tensor],
        samples: list[HOIDataSample],
        with_text: bool = True,
    ) -> Optional[Context]:
        """Run the VLT, if there is one, with padding masked.

        Args:
            inputs (Tensor): Images, (B, 3, H, W); their shape is read.
            feats (Sequence[Tensor]): Their maps, each (B, C, h, w).
            samples (list[HOIDataSample]): Their sizes before padding.
            with_text (bool): Project the context to text space even if there
                is an ICN, which does not need it. Defaults to True.
        """
        if self.vlt is None:
            return None
        shape = inputs.shape[-2:]
        if isinstance(feats, CachedFeats):
            feats.check_levels(self.vlt.levels)
            shape = feats.input_shape
        mask = padding_mask(samples, shape, inputs.device)
        return self.vlt(feats, mask, with_text=with_text or self.icn is None)

    def score_pairs(
        self,
        feats: Sequence[Tensor],
        pairs: PairBatch,
        context: Optional[Context],
        classifier: PhraseClassifier,
    ) -> PairPredictions:
        """Score pairs by the ICN, or by their image where there is none.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            pairs (PairBatch): The pairs.
            context (Context, optional): Output of :meth:`encode_context`.
            classifier (PhraseClassifier): The vocabulary's phrases.
        """
        if self.icn is None:
            return self.scorer(context, pairs, classifier)
        tokens = None if context is None else context.tokens
        return self.icn(feats, pairs, classifier, tokens)
