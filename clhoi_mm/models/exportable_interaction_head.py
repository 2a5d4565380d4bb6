import copy
from typing import Optional, Sequence

import torch
from torch import Tensor, nn

from .detectors import CLHOI
from .layers import TraceableRoIExtractor
from .task_modules import PairBatch


class ExportableInteractionHead(nn.Module):
    """VLT and ICN as a function of one image's tensors alone.

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
        self.classifier = model.teacher_head.classifier
        self.score_power = model.post_processor.score_power
        self.calibration = model.post_processor.calibration
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
        query_embeds: Optional[Tensor] = None,
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
            query_embeds (Tensor, optional): Decoder outputs of the instances,
                (N, C), where the ICN reads them.

        Returns:
            Tensor: Score of each class, 0 for a class of another object than
            the pair's, (P, C).
        """
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
            query_embeds=query_embeds,
        )
        found = self.icn(feats, pairs, self.classifier, self.vlt(feats).tokens)
        weight = (pairs.human_scores * pairs.object_scores) ** self.score_power
        scores = found.logits.sigmoid() * weight[:, None]
        if self.calibration is not None:
            scores = self.calibration(scores)
        return scores * found.valid


@torch.no_grad()
def export_interactions(
    model: CLHOI, height: int, width: int
) -> torch.export.ExportedProgram:
    """Export VLT and ICN for any number of instances and pairs.

    Args:
        model (CLHOI): With a VLT and an ICN.
        height (int): Of the network's input, in pixels.
        width (int): Of the network's input, in pixels.

    Returns:
        ExportedProgram: Takes the arguments of
        :meth:`ExportableInteractionHead.forward`, two instances and pairs or
        more.

    Raises:
        ValueError: If the model cannot be traced.
    """
    part = ExportableInteractionHead(model.eval())
    args = example_inputs(model, height, width, instances=5)
    pairs, instances = (
        torch.export.Dim(name, min=2, max=4096)
        for name in ('pairs', 'instances')
    )
    shapes = dict(feats=(None,) * len(args['feats']), image_size=None)
    for name in ('boxes', 'labels', 'scores', 'query_embeds'):
        if name in args:
            shapes[name] = {0: instances}
    for name in ('human_inds', 'object_inds'):
        shapes[name] = {0: pairs}
    return torch.export.export(
        part, (), args, dynamic_shapes=shapes, strict=False
    )


@torch.no_grad()
def example_inputs(
    model: CLHOI, height: int, width: int, instances: int
) -> dict:
    """Make random arguments of :meth:`ExportableInteractionHead.forward`.

    Args:
        model (CLHOI): Its detector gives the shapes of the maps.
        height (int): Of the network's input, in pixels.
        width (int): Of the network's input, in pixels.
        instances (int): Number of instances; the first is the human of all
            pairs.

    Returns:
        dict: Tensors by name, and the tuple ``feats``.
    """
    device = next(model.parameters()).device
    image = torch.randn(1, 3, height, width, device=device)
    size = torch.tensor([[width, height]], device=device).float()
    low, side = torch.rand(2, instances, 2, device=device) * size / 2
    objects = torch.arange(1, instances, device=device)
    args = dict(
        feats=tuple(model.detector.extract_feat(image)),
        boxes=torch.cat([low, low + side], 1),
        labels=torch.arange(instances, device=device)
        % len(model.teacher_head.classifier.object_embeds),
        scores=torch.rand(instances, device=device),
        human_inds=torch.zeros_like(objects),
        object_inds=objects,
        image_size=size,
    )
    if model.icn.query_embed_channels is not None:
        args['query_embeds'] = torch.randn(
            instances, model.icn.query_embed_channels, device=device
        )
    return args
