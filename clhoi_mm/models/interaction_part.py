import copy
from typing import Optional, Sequence

import torch
from torch import Tensor, nn

from .detectors import CLHOI
from .layers import TraceableRoIExtractor
from .task_modules import PairBatch


class InteractionPart(nn.Module):
    """VLT and ICN of an image as a function of tensors alone.

    For torch.export and torch.compile, which take neither samples nor
    configs. Pairs are formed outside; their number may vary. The model
    itself is left as it is.

    Args:
        model (CLHOI): With a VLT and an ICN.

    Raises:
        ValueError: If the model has no VLT or ICN, or pools RoIs in a way
            that cannot be traced.
    """

    def __init__(self, model: CLHOI) -> None:
        super().__init__()
        if model.icn is None or model.vlt is None:
            raise ValueError(
                'only a model with a VLT and an ICN can be traced'
            )
        self.vlt, self.icn = model.vlt, model.icn
        if getattr(self.icn, 'roi_extractor', None) is not None:
            self.icn = copy.deepcopy(self.icn)
            self.icn.roi_extractor = TraceableRoIExtractor(
                self.icn.roi_extractor
            )
        self.phrases = model.teacher_head.phrases
        self.score_power = model.score_power
        self.train(model.training)

    def forward(
        self,
        feats: Sequence[Tensor],
        boxes: Tensor,
        labels: Tensor,
        scores: Tensor,
        human_inds: Tensor,
        object_inds: Tensor,
        image_size: Tensor,
        states: Optional[Tensor] = None,
    ) -> Tensor:
        """Score an image's pairs.

        Args:
            feats (Sequence[Tensor]): The detector's maps, each (1, C, h, w).
            boxes (Tensor): Instances in input coordinates, (N, 4).
            labels (Tensor): Their labels of the vocabulary, (N,).
            scores (Tensor): Their detection scores, (N,).
            human_inds (Tensor): Instance of each pair's human, (P,).
            object_inds (Tensor): Instance of each pair's object, (P,).
            image_size (Tensor): Width and height, (1, 2).
            states (Tensor, optional): Decoder outputs of the instances,
                (N, C), where the ICN reads them.

        Returns:
            Tensor: Score of each class, 0 where it is not of the pair's
            object, (P, C).
        """
        height, width = feats[0].shape[-2:]
        padding = torch.zeros(
            1, height, width, dtype=torch.bool, device=boxes.device
        )
        pairs = PairBatch(
            boxes=boxes,
            labels=labels,
            scores=scores,
            image_inds=torch.zeros_like(labels),
            human_inds=human_inds,
            object_inds=object_inds,
            pair_inds=torch.zeros_like(human_inds),
            image_sizes=image_size,
            num_pairs=[human_inds.shape[0]],
            states=states,
        )
        found = self.icn(
            feats, pairs, self.phrases, self.vlt(feats, padding).tokens
        )
        weight = (pairs.human_scores * pairs.object_scores) ** self.score_power
        return found.logits.sigmoid() * weight[:, None] * found.valid
