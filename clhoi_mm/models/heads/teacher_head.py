from typing import Optional, Sequence, Union

import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox_overlaps
from mmengine.model import BaseModule
from mmengine.structures import BaseDataElement
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample

from ..task_modules import PairBatch
from .hoi_targets import HOITargets
from .phrase_classifier import PhraseClassifier

SUPERVISIONS = ('vllm', 'image', 'instance')


@MODELS.register_module()
class TeacherHead(BaseModule):
    """Turns a batch's samples into targets; alone knows where they come from.

    Args:
        vocabulary (str): Name of a vocabulary or path to its file.
        text_encoder (dict): Config of the text encoder.
        text_dim (int): Width d of its embeddings.
        supervision (str): 'vllm': the teacher's cached words, label-free;
            'image': annotations flattened to image level; 'instance':
            annotated pairs matched to candidate pairs. Defaults to 'vllm'.
        max_sentences (int): Sentences kept of a caption, and the width to
            which they are padded on every process. Defaults to 8.
        broadcast_image_labels (bool): Give what is said of an image to every
            pair with the object, as if it were said of each: the baseline that
            localises nothing. Defaults to False.
        match_iou (float): Both boxes of a pair must overlap the annotated
            ones as much to be taken for it. Defaults to 0.5.
        unseen (str | Sequence[int], optional): Classes that training must
            not see: 'rf_uc', 'nf_uc', 'uo' or 'uv' of HICO-DET, a JSON file
            of labels or labels. Whatever is said or annotated of them is
            dropped, and words of verbs and objects all of whose classes are
            unseen with it; the caption of an image that loses a word would
            tell, and goes, too. None, the default, lets a teacher name all.
        whiten_verbs (bool): Tell verbs apart in all directions alike, which
            helps classes that training does not see where text is embedded
            by its meaning. Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(
        self,
        vocabulary: str,
        text_encoder: dict,
        text_dim: int,
        supervision: str = 'vllm',
        max_sentences: int = 8,
        broadcast_image_labels: bool = False,
        match_iou: float = 0.5,
        unseen: Optional[Union[str, Sequence[int]]] = None,
        whiten_verbs: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if supervision not in SUPERVISIONS:
            raise ValueError(
                f'supervision={supervision!r} is none of '
                f'{", ".join(SUPERVISIONS)}'
            )
        self.supervision = supervision
        self.max_sentences = max_sentences
        self.broadcast_image_labels = broadcast_image_labels
        self.match_iou = match_iou
        self.unseen = unseen
        self.phrases = PhraseClassifier(
            vocabulary, text_encoder, text_dim, unseen, whiten_verbs
        )

    @property
    def uses_pseudo_labels(self) -> bool:
        """Whether a VLLM's words about whole images are what is taught."""
        return self.supervision == 'vllm' and not self.broadcast_image_labels

    def init_weights(self) -> None:
        """Embed the vocabulary before training starts."""
        super().init_weights()
        self.phrases.ensure_encoded()

    def forward(
        self, samples: list[HOIDataSample], pairs: Optional[PairBatch] = None
    ) -> HOITargets:
        """Targets of a batch.

        Args:
            samples (list[HOIDataSample]): The batch.
            pairs (PairBatch, optional): Candidate pairs, to which annotated
                ones are matched with instance-level supervision.

        Returns:
            HOITargets: Padded tensors with masks.
        """
        self.phrases.ensure_encoded()
        targets = (
            self._from_words(samples)
            if self.supervision == 'vllm'
            else self._from_labels(samples)
        )
        if pairs is not None and self.broadcast_image_labels:
            targets.pair_labels = targets.image_targets[pairs.pair_inds]
        elif pairs is not None and self.supervision == 'instance':
            targets.pair_labels = self._match(samples, pairs)
        return targets

    def _from_words(self, samples: list[HOIDataSample]) -> HOITargets:
        """What the VLLM said."""
        device = self.phrases.hoi_phrases.device
        words = []
        for sample in samples:
            if 'teacher' not in sample:
                raise ValueError(
                    f'image {sample.get("img_path", sample.get("img_id"))} '
                    'comes without teacher words; put LoadTeacherKnowledge '
                    'into the training pipeline or set '
                    'teacher_head.supervision to "image" or "instance"'
                )
            words.append(sample.teacher.to(device))
        width = words[0].caption_embed.numel()
        if width != self.phrases.text_dim:
            raise ValueError(
                f'the cache holds embeddings of {width}, the model expects '
                f'text_dim={self.phrases.text_dim}; pack the cache again with '
                f'the text encoder {self.phrases.text_encoder}'
            )
        is_labeled = torch.tensor(
            [bool(w.valid) for w in words], device=device
        )
        captions = torch.stack([w.caption_embed for w in words]).float()
        has_caption = is_labeled & (captions.norm(dim=1) > 0)
        sentences = [w.sentence_embeds.float() for w in words]
        said = [
            (
                w.phrase_embeds.float(),
                w.hoi_labels,
                w.obj_labels,
                w.scores.float(),
            )
            for w in words
        ]
        if self.unseen is not None:
            for i, word in enumerate(words):
                seen = ~self._speaks_of_unseen(word)
                said[i] = tuple(values[seen] for values in said[i])
                if not seen.all():
                    has_caption[i] = False
                    sentences[i] = sentences[i][:0]
        return self._pack(
            captions, has_caption, sentences, *zip(*said), is_labeled
        )

    def _speaks_of_unseen(self, words: BaseDataElement) -> Tensor:
        """Which words training must not see, (M,).

        Of a verb and an object that make no class, either may be known by
        unseen classes alone.
        """
        table = self.phrases
        flags = torch.zeros_like(words.hoi_labels, dtype=torch.bool)
        for labels, unseen in (
            (words.hoi_labels, table.is_unseen),
            (words.verb_labels, table.verb_is_unseen),
            (words.obj_labels, table.object_is_unseen),
        ):
            flags |= unseen[labels] & (labels >= 0)
        return flags

    def _from_labels(self, samples: list[HOIDataSample]) -> HOITargets:
        """Annotations of a whole image, said as phrases."""
        table = self.phrases
        for sample in samples:
            if 'gt_hois' not in sample:
                raise ValueError(
                    f'image {sample.get("img_path", sample.get("img_id"))} '
                    'comes without annotations; with teacher_head.supervision'
                    f'={self.supervision!r} train on a data set that has '
                    'them (UnlabelledHOIDataset has none), with '
                    'LoadHOIAnnotations in the pipeline'
                )
        hois = [
            s.gt_hois.hoi_labels.to(table.hoi_phrases.device).unique()
            for s in samples
        ]
        hois = [h[(h >= 0) & ~table.is_unseen[h]] for h in hois]
        embeds = [table.hoi_phrases[h] for h in hois]
        captions = F.normalize(torch.stack([e.sum(0) for e in embeds]), dim=1)
        is_labeled = captions.new_ones(len(samples), dtype=torch.bool)
        return self._pack(
            captions,
            captions.norm(dim=1) > 0,
            embeds,
            embeds,
            hois,
            [table.hoi_objects[h] for h in hois],
            [e.new_ones(len(e)) for e in embeds],
            is_labeled,
        )

    def _pack(
        self,
        captions: Tensor,
        has_caption: Tensor,
        sentences: Sequence[Tensor],
        phrases: Sequence[Tensor],
        hois: Sequence[Tensor],
        objects: Sequence[Tensor],
        scores: Sequence[Tensor],
        is_labeled: Tensor,
    ) -> HOITargets:
        """Pad lists over images and spread interactions over classes."""
        kept = captions.new_zeros(
            len(captions), self.max_sentences, captions.size(1)
        )
        has_sentence = torch.zeros_like(kept[..., 0], dtype=torch.bool)
        for i, embeds in enumerate(sentences):
            count = min(len(embeds), self.max_sentences)
            kept[i, :count] = embeds[:count]
            has_sentence[i, :count] = True
        hois = pad_sequence(hois, True, -1)
        objects = pad_sequence(objects, True, -1)
        weights = pad_sequence(scores, True, 0.0)
        image_targets = weights.new_zeros(
            len(captions), self.phrases.hoi_verbs.numel() + 1
        )
        # Whatever lies outside the vocabulary goes to a last, dropped column.
        column = torch.where(hois >= 0, hois, image_targets.size(1) - 1)
        image_targets = image_targets.scatter_reduce(
            1, column, weights, 'amax'
        )[:, :-1]
        return HOITargets(
            captions=captions,
            has_caption=has_caption,
            sentences=kept,
            has_sentence=has_sentence,
            phrases=self.phrases.center(pad_sequence(phrases, True), objects),
            hois=hois,
            objects=objects,
            weights=weights,
            image_targets=image_targets,
            is_labeled=is_labeled,
            is_exhaustive=self.supervision != 'vllm',
        )

    def _match(self, samples: list[HOIDataSample], pairs: PairBatch) -> Tensor:
        """Classes of the candidate pairs that cover annotated ones, (P, C)."""
        device = pairs.boxes.device
        labels = pairs.boxes.new_zeros(
            len(pairs), self.phrases.hoi_verbs.numel()
        )
        human, obj, object_labels, hois, image = [], [], [], [], []
        for i, sample in enumerate(samples):
            gt = sample.gt_hois
            paired = (gt.object_inds >= 0) & (gt.hoi_labels >= 0)
            boxes = sample.gt_instances.bboxes
            human.append(boxes[gt.human_inds[paired]])
            obj.append(boxes[gt.object_inds[paired]])
            object_labels.append(
                sample.gt_instances.labels[gt.object_inds[paired]]
            )
            hois.append(gt.hoi_labels[paired])
            image.append(torch.full_like(hois[-1], i))
        human, obj, object_labels, hois, image = (
            torch.cat(x).to(device)
            for x in (human, obj, object_labels, hois, image)
        )
        overlap = torch.minimum(
            bbox_overlaps(pairs.human_bboxes, human),
            bbox_overlaps(pairs.object_bboxes, obj),
        )
        hit = (
            (overlap >= self.match_iou)
            & (pairs.pair_inds[:, None] == image[None])
            & (pairs.object_labels[:, None] == object_labels[None])
        )
        pair, annotated = hit.nonzero(as_tuple=True)
        labels[pair, hois[annotated]] = 1.0
        return labels * ~self.phrases.is_unseen
