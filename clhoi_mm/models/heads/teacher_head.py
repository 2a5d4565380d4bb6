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
from clhoi_mm.vocabulary import HOIVocabulary

from ..task_modules import PairBatch
from .hoi_targets import HOITargets
from .phrase_classifier import PhraseClassifier

SUPERVISIONS = ('vllm', 'image', 'instance')


@MODELS.register_module()
class TeacherHead(BaseModule):
    """Converts the samples of a batch into training targets.

    Args:
        vocabulary (str): Name of a vocabulary or path to its file.
        text_encoder (str | dict): Name or config of the text encoder, see
            :func:`build_text_encoder`.
        text_dim (int): Width d of its embeddings.
        supervision (str): 'vllm': the teacher's cached pseudo-labels, no
            human labels; 'image': annotations reduced to image level;
            'instance': annotated pairs matched to candidate pairs. Defaults
            to 'vllm'.
        max_sentences (int): Sentences kept of a caption, and the length to
            which they are padded on every process. Defaults to 8.
        broadcast_image_labels (bool): Assign image-level labels to every pair
            with the label's object: the baseline without localization.
            Defaults to False.
        match_iou (float): Minimum IoU of both boxes of a candidate pair with
            those of an annotated pair to receive its label. Defaults to 0.5.
        unseen (str | Sequence[int], optional): Classes held out of training:
            'rf_uc', 'nf_uc', 'uo' or 'uv' of HICO-DET, a JSON file of labels
            or labels. Their labels are dropped, as are labels outside the
            vocabulary with a verb or object of which all classes are unseen;
            an image that loses a label loses its caption, too, since the
            caption would leak it. Defaults to None: no class is held out.
        whiten_verbs (bool): Whether to whiten verb embeddings, which helps
            unseen classes with semantic text encoders. Defaults to False.
        unlabeled_verb_factors (dict[str, float], optional): Factors of the
            losses' ``unlabeled_weight`` by verb, for verbs that a teacher
            seldom states, such as 'look obj'. Class-wise losses use them
            until a label noise model corrects the labels. Defaults to None:
            all 1.
        init_cfg (dict, optional): Initialization config.
    """

    def __init__(
        self,
        vocabulary: str,
        text_encoder: Union[str, dict],
        text_dim: int,
        supervision: str = 'vllm',
        max_sentences: int = 8,
        broadcast_image_labels: bool = False,
        match_iou: float = 0.5,
        unseen: Optional[Union[str, Sequence[int]]] = None,
        whiten_verbs: bool = False,
        unlabeled_verb_factors: Optional[dict[str, float]] = None,
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
        self.classifier = PhraseClassifier(
            vocabulary, text_encoder, text_dim, unseen, whiten_verbs
        )
        self.register_buffer(
            'unlabeled_factors',
            _class_factors(self.classifier.vocabulary, unlabeled_verb_factors)
            if unlabeled_verb_factors
            else None,
            persistent=False,
        )

    @property
    def uses_pseudo_labels(self) -> bool:
        """True if targets are image-level pseudo-labels of a VLLM."""
        return self.supervision == 'vllm' and not self.broadcast_image_labels

    def init_weights(self) -> None:
        """Embed the vocabulary before training starts."""
        super().init_weights()
        self.classifier.ensure_encoded()

    def forward(
        self, samples: list[HOIDataSample], pairs: Optional[PairBatch] = None
    ) -> HOITargets:
        """Build the targets of a batch.

        Args:
            samples (list[HOIDataSample]): The batch.
            pairs (PairBatch, optional): Candidate pairs, to which annotated
                ones are matched with instance-level supervision.

        Returns:
            HOITargets: Padded tensors with masks.
        """
        self.classifier.ensure_encoded()
        targets = (
            self._from_pseudo_labels(samples)
            if self.supervision == 'vllm'
            else self._from_annotations(samples)
        )
        if pairs is not None and self.broadcast_image_labels:
            targets.pair_labels = targets.image_targets[pairs.pair_inds]
        elif pairs is not None and self.supervision == 'instance':
            targets.pair_labels = self._match_annotated(samples, pairs)
        elif pairs is not None and self.supervision == 'vllm':
            targets.pointed = self._match_pointed(samples, pairs)
        return targets

    def _from_pseudo_labels(self, samples: list[HOIDataSample]) -> HOITargets:
        """Build targets from pseudo-labels and captions."""
        device = self.classifier.hoi_phrases.device
        pseudo_labels = []
        for sample in samples:
            if 'teacher' not in sample:
                raise ValueError(
                    f'image {sample.get("img_path", sample.get("img_id"))} '
                    'comes without pseudo-labels; put LoadTeacherKnowledge '
                    'into the training pipeline or set '
                    'teacher_head.supervision to "image" or "instance"'
                )
            pseudo_labels.append(sample.teacher.to(device))
        width = pseudo_labels[0].caption_embed.numel()
        if width != self.classifier.text_dim:
            raise ValueError(
                f'the cache holds embeddings of {width}, the model expects '
                f'text_dim={self.classifier.text_dim}; pack the cache again '
                f'with the text encoder {self.classifier.text_encoder}'
            )
        is_labeled = torch.tensor(
            [bool(p.valid) for p in pseudo_labels], device=device
        )
        captions = torch.stack(
            [p.caption_embed for p in pseudo_labels]
        ).float()
        has_caption = is_labeled & (captions.norm(dim=1) > 0)
        sentences = [p.sentence_embeds.float() for p in pseudo_labels]
        label_fields = [
            (
                p.phrase_embeds.float(),
                p.hoi_labels,
                p.obj_labels,
                p.scores.float(),
            )
            for p in pseudo_labels
        ]
        if self.unseen is not None:
            for i, sample_labels in enumerate(pseudo_labels):
                is_kept = ~self._is_unseen_label(sample_labels)
                label_fields[i] = tuple(
                    values[is_kept] for values in label_fields[i]
                )
                if not is_kept.all():
                    has_caption[i] = False
                    sentences[i] = sentences[i][:0]
        phrases, hois, objects, scores = zip(*label_fields)
        return self._pack(
            captions,
            has_caption,
            sentences,
            phrases,
            hois,
            objects,
            scores,
            is_labeled,
        )

    def _is_unseen_label(self, labels: BaseDataElement) -> Tensor:
        """Find labels with a held-out class, verb or object, (M,).

        A label outside the vocabulary has no class, but its verb or object
        may occur in unseen classes only.
        """
        classifier = self.classifier
        flags = torch.zeros_like(labels.hoi_labels, dtype=torch.bool)
        for ids, unseen in (
            (labels.hoi_labels, classifier.is_unseen),
            (labels.verb_labels, classifier.verb_is_unseen),
            (labels.obj_labels, classifier.object_is_unseen),
        ):
            flags |= unseen[ids] & (ids >= 0)
        return flags

    def _from_annotations(self, samples: list[HOIDataSample]) -> HOITargets:
        """Build targets from annotations reduced to image level."""
        classifier = self.classifier
        for sample in samples:
            if 'gt_hois' not in sample:
                raise ValueError(
                    f'image {sample.get("img_path", sample.get("img_id"))} '
                    'comes without annotations; with teacher_head.supervision'
                    f'={self.supervision!r} train on a data set that has '
                    'them (UnlabeledHOIDataset has none), with '
                    'LoadHOIAnnotations in the pipeline'
                )
        hois = [
            s.gt_hois.hoi_labels.to(classifier.hoi_phrases.device).unique()
            for s in samples
        ]
        hois = [h[(h >= 0) & ~classifier.is_unseen[h]] for h in hois]
        embeds = [classifier.hoi_phrases[h] for h in hois]
        captions = F.normalize(torch.stack([e.sum(0) for e in embeds]), dim=1)
        is_labeled = captions.new_ones(len(samples), dtype=torch.bool)
        return self._pack(
            captions,
            captions.norm(dim=1) > 0,
            embeds,
            embeds,
            hois,
            [classifier.hoi_objects[h] for h in hois],
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
        """Pad lists over images and scatter labels to classes."""
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
            len(captions), self.classifier.hoi_verbs.numel() + 1
        )
        # Labels outside the vocabulary go to a last, dropped column.
        column = torch.where(hois >= 0, hois, image_targets.size(1) - 1)
        image_targets = image_targets.scatter_reduce(
            1, column, weights, 'amax'
        )[:, :-1]
        return HOITargets(
            captions=captions,
            has_caption=has_caption,
            sentences=kept,
            has_sentence=has_sentence,
            phrases=self.classifier.center(
                pad_sequence(phrases, True), objects
            ),
            hois=hois,
            objects=objects,
            weights=weights,
            image_targets=image_targets,
            is_labeled=is_labeled,
            is_exhaustive=self.supervision != 'vllm',
            unlabeled_factors=self.unlabeled_factors,
        )

    def _match_annotated(
        self, samples: list[HOIDataSample], pairs: PairBatch
    ) -> Tensor:
        """Label candidate pairs that match annotated ones, (P, C)."""
        located = []
        for sample in samples:
            gt, boxes = sample.gt_hois, sample.gt_instances.bboxes
            # Roles without an object match nothing.
            hois = gt.hoi_labels.masked_fill(gt.object_inds < 0, -1)
            rows = gt.object_inds.clamp(min=0)
            located.append(
                (
                    boxes[gt.human_inds],
                    boxes[rows],
                    sample.gt_instances.labels[rows],
                    hois,
                )
            )
        return self._match(located, pairs).clamp(max=1.0)

    def _match_pointed(
        self, samples: list[HOIDataSample], pairs: PairBatch
    ) -> Optional[Tensor]:
        """Count pointed pairs that match candidate pairs, (P, C)."""
        if not all('pointed_labels' in sample.teacher for sample in samples):
            return None
        located = []
        for sample in samples:
            teacher = sample.teacher
            located.append(
                (
                    teacher.pointed_human_bboxes,
                    teacher.pointed_object_bboxes,
                    teacher.obj_labels[teacher.pointed_labels],
                    teacher.hoi_labels[teacher.pointed_labels],
                )
            )
        # Overlapping detections of one instance all match. The best one alone
        # leaves mAP as it is and makes the estimated reliability far too high.
        return self._match(located, pairs)

    def _match(
        self, located: list[tuple[Tensor, ...]], pairs: PairBatch
    ) -> Tensor:
        """Count the others whose boxes match a candidate pair's, by class.

        Args:
            located (list[tuple[Tensor, ...]]): Boxes of humans and of
                objects, labels of the objects and HOI classes of each image,
                -1 for no class.
            pairs (PairBatch): The candidate pairs.

        Returns:
            Tensor: (P, C).
        """
        device = pairs.boxes.device
        human, obj, object_labels, hois = (
            torch.cat(x).to(device) for x in zip(*located)
        )
        image = torch.repeat_interleave(
            torch.arange(len(located), device=device),
            torch.tensor([len(x[-1]) for x in located], device=device),
            output_size=len(hois),
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
        is_unseen = self.classifier.is_unseen
        # No class goes to a last, dropped column.
        column = torch.where(hois >= 0, hois, len(is_unseen))
        counts = pairs.boxes.new_zeros(len(pairs), len(is_unseen) + 1)
        counts = counts.index_add(1, column, hit.to(counts))
        return counts[:, :-1] * ~is_unseen


def _class_factors(
    vocabulary: HOIVocabulary, verb_factors: dict[str, float]
) -> Tensor:
    """Arrange factors of verbs by class, (C,).

    Raises:
        ValueError: If the vocabulary lacks a verb, or a factor is negative.
    """
    factors = torch.ones(vocabulary.num_verbs)
    for verb, factor in verb_factors.items():
        label = vocabulary.verb_label(verb)
        if label < 0 or factor < 0:
            raise ValueError(
                f'unlabeled_verb_factors: {verb!r}: {factor!r}; give verbs of '
                f'the vocabulary {vocabulary.name} and factors of at least 0'
            )
        factors[label] = factor
    return factors[torch.tensor(vocabulary.hoi_verbs)]
