import torch
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import Context, HOITargets
from .distributed import all_gather_with_grad, distributed_weighted_mean


@MODELS.register_module()
class ContextDistillLoss(nn.Module):
    """Contrastive loss between VLT embeddings and the teacher's captions.

    Global: InfoNCE (arXiv 1807.03748) between image and caption embeddings in
    both directions. Near-duplicate captions are not treated as negatives:
    targets are softened by caption-caption similarity. Fine: each sentence is
    compared with its best-matching token, contrasted over the images of the
    batch. Negatives come from all processes; a queue of past captions, which
    do not go stale since the text encoder is frozen, adds negatives to the
    image-to-text direction.

    Args:
        text_dim (int): Width d of the text space.
        global_weight (float): Weight of the global part. Defaults to 1.
        fine_weight (float): Weight of the fine part. Defaults to 1.
        queue_size (int): Past captions kept. Defaults to 1024.
        target_temperature (float): Temperature of the caption-caption
            similarities that soften the targets; lower is harder.
    """

    def __init__(
        self,
        text_dim: int,
        global_weight: float = 1.0,
        fine_weight: float = 1.0,
        queue_size: int = 1024,
        target_temperature: float = 0.05,
    ) -> None:
        super().__init__()
        self.global_weight = global_weight
        self.fine_weight = fine_weight
        self.target_temperature = target_temperature
        self.register_buffer('queue', torch.zeros(queue_size, text_dim))
        self.register_buffer('queue_filled', torch.zeros((), dtype=torch.long))

    def forward(
        self, context: Context, targets: HOITargets, log_scale: Tensor
    ) -> dict[str, Tensor]:
        """Contrast images with captions, and tokens with sentences.

        Args:
            context (Context): Output of the VLT.
            targets (HOITargets): Captions and sentences of the teacher.
            log_scale (Tensor): Logarithm of the inverse temperature, a
                scalar, see :class:`ContextScorer`.

        Returns:
            dict[str, Tensor]: ``loss_context``, ``loss_sentence`` and the
            image-to-caption recall at 1, ``context_recall``.
        """
        scale = log_scale.exp().clamp(max=100.0)
        # Half precision is too coarse for similarities over a temperature.
        with torch.autocast(scale.device.type, enabled=False):
            loss, recall = self._global(context.image_embed, targets, scale)
            fine = self._fine(context.token_embeds, targets, scale)
        return dict(
            loss_context=self.global_weight * loss,
            loss_sentence=self.fine_weight * fine,
            context_recall=recall,
        )

    def _global(
        self, images: Tensor, targets: HOITargets, scale: Tensor
    ) -> tuple[Tensor, Tensor]:
        captions, mask = targets.captions, targets.has_caption
        all_captions, start = all_gather_with_grad(captions)
        all_images, _ = all_gather_with_grad(images)
        all_mask = all_gather_with_grad(mask)[0]

        in_queue = (
            torch.arange(len(self.queue), device=mask.device)
            < self.queue_filled
        )
        keys = torch.cat([all_captions, self.queue])
        usable = torch.cat([all_mask, in_queue])
        caption_inds = start + torch.arange(len(captions), device=mask.device)

        def soft_targets(others: Tensor, usable: Tensor) -> Tensor:
            similar = captions @ others.T / self.target_temperature
            return similar.masked_fill(~usable[None], -1e4).softmax(1)

        to_text = (scale * images @ keys.T).masked_fill(~usable[None], -1e4)
        to_image = (scale * captions @ all_images.T).masked_fill(
            ~all_mask[None], -1e4
        )
        loss = -(soft_targets(keys, usable) * to_text.log_softmax(1)).sum(1)
        loss = loss - (
            soft_targets(all_captions, all_mask) * to_image.log_softmax(1)
        ).sum(1)
        is_recalled = to_text[:, : len(all_captions)].argmax(1) == caption_inds
        if self.training:
            self._enqueue(all_captions, all_mask)
        return distributed_weighted_mean(
            loss, mask
        ) / 2, distributed_weighted_mean(is_recalled, mask)

    def _fine(
        self, tokens: Tensor, targets: HOITargets, scale: Tensor
    ) -> Tensor:
        """InfoNCE of each sentence, scored by an image's best token."""
        sentences, mask = targets.sentences, targets.has_sentence
        all_tokens, _ = all_gather_with_grad(tokens)
        all_sentences, _ = all_gather_with_grad(sentences)
        all_mask, _ = all_gather_with_grad(mask)
        logits = (
            scale
            * torch.einsum('bkd,itd->bkit', sentences, all_tokens).max(-1)[0]
        )
        # Similarity of a sentence to an image's own sentences, 1 for its own.
        similar = torch.einsum('bkd,ijd->bkij', sentences, all_sentences)
        similar = similar.masked_fill(~all_mask, -1.0).max(-1)[0]
        logits = logits.masked_fill(~all_mask.any(1), -1e4)
        target = (similar / self.target_temperature).softmax(-1)
        loss = -(target * logits.log_softmax(-1)).sum(-1)
        return distributed_weighted_mean(loss, mask)

    @torch.no_grad()
    def _enqueue(self, captions: Tensor, mask: Tensor) -> None:
        """Prepend captions to the queue, with fixed shapes."""
        order = (~mask).long().argsort(stable=True)
        count = mask.sum()
        size = len(self.queue)
        rows = torch.cat([captions[order], self.queue.to(captions)])
        index = torch.arange(size, device=mask.device)
        # Row i of the new queue: caption i, or the shifted old queue.
        source = torch.where(
            index < count, index, index - count + len(captions)
        )
        self.queue.copy_(rows[source])
        self.queue_filled.copy_((self.queue_filled + count).clamp(max=size))
