from dataclasses import replace
from typing import Optional, Sequence

import torch
from mmdet.models.detectors.base import BaseDetector
from torch import Tensor, nn

from clhoi_mm.registry import MODELS, TASK_UTILS
from clhoi_mm.structures import HOIDataSample

from ..heads import (
    Context,
    HOITargets,
    PairPredictions,
    score_pairs_by_context,
)
from ..losses.resting import connect_resting
from ..task_modules import PairBatch
from .cached_feats import CachedFeats
from .detector_adapter import build_detector
from .encoded_batch import EncodedBatch
from .featmap_spec import FeatmapSpec, infer_icn_cfg, infer_vlt_cfg
from .hoi_post_processor import HOIPostProcessor
from .match_query_embeds import complete_query_embeds
from .padding_mask import padding_mask
from .self_teacher import SelfTeacher
from .visual_encoder import VisualEncoder


def _build(cfg: Optional[dict]) -> Optional[nn.Module]:
    return None if cfg is None else MODELS.build(cfg)


@MODELS.register_module()
class CLHOI(BaseDetector):
    """Human-object interaction detector distilled from image-level words.

    An mmdet detector, frozen unless asked, finds people and objects; its
    feature maps, taken once, also feed a Visual Linguistic Translator (VLT)
    that reads the image's context and an Interaction Cognition Network (ICN)
    that scores what each human does to each object (CL-HOI, arXiv
    2410.15657). Where samples bring the detector's outputs, it does not run
    (:class:`LoadDetectorFeatures`).

    Args:
        teacher_head (dict): Config of the :class:`TeacherHead`, which holds
            the vocabulary.
        pairing (dict): Config of :class:`HumanObjectPairing`, less
            ``person_label``, which is the vocabulary's.
        icn (dict): Config of the ICN. Channels and strides of the maps that
            its RoI extractor reads are looked up where it does not state
            them.
        detector (dict): Config of a :class:`DetectorAdapter`:
            :class:`FrozenDetector` or :class:`JointDetector` around any
            mmdet detector's config, or :class:`PrecomputedDetections`, with
            which a VLT, RoI features and a visual encoder cannot be used.
        vlt (dict, optional): Config of the VLT; its ``in_channels`` are
            looked up likewise. Without it the ICN has no context to attend
            to.
        context_loss (dict, optional): Config of the context distillation.
        interaction_loss (dict, optional): Config of the interaction
            distillation. Without it there is no ICN: pairs are scored by the
            VLT's image embedding against phrases.
        label_noise (dict, optional): Config of a :class:`LabelNoiseModel`,
            less ``vocabulary``, which is the teacher head's. Corrects
            pseudo-labels; annotations are taken as they are.
        visual_encoder (dict, optional): Config of a backbone whose maps feed
            VLT and ICN in place of the detector's, see
            :class:`VisualEncoder`.
        visual_encoder_for (Sequence[str]): Which of 'vlt' and 'icn' read
            these; the other reads the detector's. Defaults to both.
        context_weight_stage2 (float): Weight of the context distillation
            while interactions are distilled. Defaults to 0.5.
        score_power (float): Exponent of the detection scores in the final
            score. Defaults to 1.
        max_per_img (int): Predictions kept in an image. Defaults to 100.
        missing_role_weight (float, optional): Beside these, give a row without
            an object for each person and action, as V-COCO's metric needs:
            with this share of the score of the person's best pair with the
            verb. Defaults to None: no such rows.
        data_preprocessor (dict, optional): Defaults to the detector's own;
            without one images are left out.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(
        self,
        teacher_head: dict,
        pairing: dict,
        icn: dict,
        detector: dict,
        vlt: Optional[dict] = None,
        context_loss: Optional[dict] = None,
        interaction_loss: Optional[dict] = None,
        label_noise: Optional[dict] = None,
        visual_encoder: Optional[dict] = None,
        visual_encoder_for: Sequence[str] = ('vlt', 'icn'),
        context_weight_stage2: float = 0.5,
        score_power: float = 1.0,
        max_per_img: int = 100,
        missing_role_weight: Optional[float] = None,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        check_parts(vlt, context_loss, interaction_loss, visual_encoder_for)
        head = MODELS.build(teacher_head)
        vocabulary = head.phrases.vocabulary
        adapter = build_detector(detector, vocabulary, data_preprocessor)
        adapter.check_readers(
            {
                'vlt': vlt,
                'icn.roi_extractor': icn.get('roi_extractor'),
                'icn.query_embed_channels': icn.get('query_embed_channels'),
                'visual_encoder': visual_encoder,
            }
        )
        super().__init__(adapter.preprocessor_cfg, init_cfg)
        self.teacher_head = head
        self.detector = adapter
        self.visual_encoder = None
        if visual_encoder is not None:
            self.visual_encoder = VisualEncoder(
                visual_encoder, adapter.preprocessor_cfg
            )
        self.visual_encoder_for = tuple(visual_encoder_for)
        self.pairing = TASK_UTILS.build(
            dict(**pairing, person_label=vocabulary.person_label)
        )
        if label_noise is not None:
            label_noise = dict(
                label_noise, vocabulary=teacher_head['vocabulary']
            )
        vlt = infer_vlt_cfg(vlt, lambda: self._featmap_spec('vlt'))
        icn = infer_icn_cfg(icn, lambda: self._featmap_spec('icn'))
        self.vlt = _build(vlt)
        self.context_loss = _build(context_loss)
        self.interaction_loss = _build(interaction_loss)
        self.label_noise = _build(label_noise)
        self.icn_cfg = dict(**icn, with_context=vlt is not None)
        self.icn = _build(interaction_loss and self.icn_cfg)
        # Set by SelfDistillHook.
        self.self_teacher: Optional[SelfTeacher] = None
        self.context_weight_stage2 = context_weight_stage2
        self.score_power = score_power
        self.max_per_img = max_per_img
        self.missing_role_weight = missing_role_weight
        # 1: context distillation, 2: interaction distillation as well.
        # DistillStageHook sets it by epoch.
        self.stage = 2

    @property
    def has_label_noise(self) -> bool:
        """Whether a noise model corrects the labels."""
        return (
            self.label_noise is not None
            and self.interaction_loss is not None
            and self.teacher_head.uses_pseudo_labels
        )

    @property
    def post_processor(self) -> HOIPostProcessor:
        """Post-processor with the present classes and options."""
        return HOIPostProcessor(
            self.teacher_head.phrases,
            self.score_power,
            self.max_per_img,
            self.missing_role_weight,
        )

    def snapshot_self_teacher(self) -> SelfTeacher:
        """Let the student's present state help to teach from now on."""
        self.self_teacher = SelfTeacher(self.vlt, self.icn)
        return self.self_teacher

    def reinit_icn(self) -> None:
        """Give the ICN freshly initialized weights."""
        fresh = MODELS.build(self.icn_cfg)
        fresh.init_weights()
        self.icn.load_state_dict(fresh.state_dict())

    def extract_feat(
        self,
        inputs: Tensor,
        samples: Optional[list[HOIDataSample]] = None,
        remember: bool = False,
    ) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Compute the detector's maps and those of a visual encoder.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (list[HOIDataSample], optional): Their samples; detector's
                features that these bring are read.
            remember (bool): Let the detector remember them.

        Returns:
            tuple: The detector's maps, and the encoder's or else the
            detector's, each (B, C, h, w); see :meth:`select_feats`.
        """
        feats = self.detector.extract_feat(inputs, samples, remember)
        if self.visual_encoder is None:
            return feats, feats
        if isinstance(feats, CachedFeats):
            raise ValueError(
                'a visual_encoder needs the images; leave '
                'LoadDetectorFeatures out of the pipelines'
            )
        return feats, self.visual_encoder(inputs, samples)

    def select_feats(
        self, part: str, maps: tuple[Sequence[Tensor], ...]
    ) -> Sequence[Tensor]:
        """Select the feature maps that 'vlt' or 'icn' reads."""
        return maps[part in self.visual_encoder_for]

    def _featmap_spec(self, part: str) -> FeatmapSpec:
        if self.visual_encoder is None or part not in self.visual_encoder_for:
            return self.detector.featmap_spec()
        return FeatmapSpec.of(self.visual_encoder, self.visual_encoder, 224)

    def generate_pairs(
        self,
        inputs: Tensor,
        feats: Sequence[Tensor],
        samples: list[HOIDataSample],
    ) -> PairBatch:
        """Pair detections: a sample's own, or else the detector's."""
        self.detector.check_made(samples)
        detections = complete_query_embeds(
            [s.get('detections') for s in samples],
            lambda: self.detector.detect(inputs, feats, samples),
            getattr(self.icn, 'query_embed_channels', None) is not None,
        )
        sizes = inputs.new_tensor([s.img_shape[1::-1] for s in samples])
        return self.pairing(
            detections, sizes, self.teacher_head.phrases.is_candidate
        )

    def encode_context(
        self,
        inputs: Tensor,
        feats: Sequence[Tensor],
        samples: list[HOIDataSample],
        student: Optional[SelfTeacher] = None,
    ) -> Optional[Context]:
        """Run the VLT, a self-teacher's if one is given, blind to padding."""
        vlt = (student or self).vlt
        if vlt is None:
            return None
        shape = inputs.shape[-2:]
        if isinstance(feats, CachedFeats):
            feats.check_levels(vlt.levels)
            shape = feats.input_shape
        return vlt(feats, padding_mask(samples, shape, inputs.device))

    def score_pairs(
        self,
        feats: Sequence[Tensor],
        pairs: PairBatch,
        context: Optional[Context],
        student: Optional[SelfTeacher] = None,
    ) -> PairPredictions:
        """Score pairs by the ICN, or by their image where there is none."""
        phrases = self.teacher_head.phrases
        icn = (student or self).icn
        if icn is None:
            return score_pairs_by_context(
                context, pairs, phrases, self.context_loss.log_scale
            )
        tokens = None if context is None else context.tokens
        return icn(feats, pairs, phrases, tokens)

    def _encode(
        self,
        inputs: Tensor,
        samples: list[HOIDataSample],
        with_pairs: bool = True,
        remember: bool = False,
    ) -> EncodedBatch:
        """Run detector, pairing, VLT and ICN, each once.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (list[HOIDataSample]): Their samples.
            with_pairs (bool): Form and score pairs. Defaults to True.
            remember (bool): Let the detector remember the images, where it
                has a memory. Defaults to False.
        """
        maps = self.extract_feat(inputs, samples, remember)
        batch = EncodedBatch(inputs, samples, maps)
        if with_pairs:
            batch.pairs = self.generate_pairs(inputs, maps[0], samples)
        return self._run_student(batch)

    def _run_student(
        self, batch: EncodedBatch, student: Optional[SelfTeacher] = None
    ) -> EncodedBatch:
        """Complete a batch by the VLT and ICN of the model or a student."""
        context = self.encode_context(
            batch.inputs,
            self.select_feats('vlt', batch.maps),
            batch.samples,
            student,
        )
        predictions = None
        if batch.pairs is not None:
            feats = self.select_feats('icn', batch.maps)
            predictions = self.score_pairs(
                feats, batch.pairs, context, student
            )
        return replace(batch, context=context, predictions=predictions)

    def loss(
        self, batch_inputs: Tensor, batch_data_samples: list[HOIDataSample]
    ) -> dict[str, Tensor]:
        """Compute the losses of the present stage.

        Args:
            batch_inputs (Tensor): Images, (B, 3, H, W).
            batch_data_samples (list[HOIDataSample]): With the teacher's
                pseudo-labels or with annotations, as the teacher head's
                supervision needs.

        Returns:
            dict[str, Tensor]: Losses; unused parts are connected by zero.
        """
        self.detector.check_loaded()
        with_pairs = self.stage >= 2 and self.icn is not None
        batch = self._encode(
            batch_inputs, batch_data_samples, with_pairs, remember=True
        )
        targets = self.teacher_head(batch_data_samples, batch.pairs)
        losses = {}
        if with_pairs:
            losses.update(self._interaction_losses(batch, targets))
        if self.context_loss is not None:
            weight = self.context_weight_stage2 if with_pairs else 1.0
            for name, value in self.context_loss(
                batch.context, targets
            ).items():
                is_loss = name.startswith('loss')
                losses[name] = value * weight if is_loss else value
        resting = [self.visual_encoder]
        if not with_pairs:
            resting += [self.icn, self.interaction_loss]
        if not (with_pairs and self.has_label_noise):
            resting.append(self.label_noise)
        if self.context_loss is None:
            resting.append(self.vlt)
        connect_resting(losses, resting)
        losses.update(
            self.detector.loss(batch_inputs, batch.maps[0], batch_data_samples)
        )
        return losses

    def _interaction_losses(
        self, batch: EncodedBatch, targets: HOITargets
    ) -> dict[str, Tensor]:
        """Correct labels by the label noise model and compute losses."""
        classifier = self.teacher_head.phrases
        losses = {}
        if self.has_label_noise:
            taught = None
            if self.self_teacher is not None:
                with torch.no_grad():
                    taught = self._run_student(batch, self.self_teacher)
            targets = self.label_noise(
                targets,
                batch.predictions,
                batch.pairs,
                classifier,
                taught and taught.predictions,
            )
            losses.update(
                self.label_noise.prior_losses(
                    self.label_noise.is_warmed_up & (taught is None)
                )
            )
        losses.update(
            self.interaction_loss(
                batch.predictions, batch.pairs, targets, classifier
            )
        )
        return losses

    def val_step(self, data: dict) -> list[HOIDataSample]:
        """Predict during training, with images remembered.

        Args:
            data (dict): Batch of a data loader.

        Returns:
            list[HOIDataSample]: As of :meth:`predict`.
        """
        data = self.data_preprocessor(data, False)
        return self.predict(
            data['inputs'], data['data_samples'], remember=True
        )

    @torch.no_grad()
    def predict(
        self,
        batch_inputs: Tensor,
        batch_data_samples: list[HOIDataSample],
        rescale: bool = True,
        remember: bool = False,
    ) -> list[HOIDataSample]:
        """Detect interactions; the teacher's pseudo-labels are never read.

        Args:
            batch_inputs (Tensor): Images, (B, 3, H, W).
            batch_data_samples (list[HOIDataSample]): Their metainfo is read.
            rescale (bool): Give boxes in original-image coordinates.
            remember (bool): Let the detector remember the images, where it
                has a memory. Defaults to False.

        Returns:
            list[HOIDataSample]: The samples with ``pred_hois``, sorted by
            score, and ``pred_instances``.
        """
        self.detector.check_loaded()
        self.teacher_head.phrases.ensure_encoded()
        batch = self._encode(
            batch_inputs, batch_data_samples, remember=remember
        )
        self.post_processor.write(
            batch_data_samples, batch.predictions, batch.pairs, rescale
        )
        return batch_data_samples

    def _forward(
        self, batch_inputs: Tensor, batch_data_samples: list[HOIDataSample]
    ) -> PairPredictions:
        """Predict raw scores of the pairs, without post-processing."""
        return self._encode(batch_inputs, batch_data_samples).predictions


def check_parts(
    vlt: Optional[dict],
    context_loss: Optional[dict],
    interaction_loss: Optional[dict],
    visual_encoder_for: Sequence[str],
) -> None:
    """Check that the parts of a model fit together.

    Raises:
        ValueError: If nothing would be trained, a loss has no part to train,
            or ``visual_encoder_for`` names something else than parts.
    """
    if vlt is None and (context_loss or not interaction_loss):
        raise ValueError(
            'without a vlt there is no context to distil and no image '
            'embedding to score pairs with; give vlt, or interaction_loss '
            'alone'
        )
    if not (context_loss or interaction_loss):
        raise ValueError(
            'nothing would be trained; give context_loss, '
            'interaction_loss or both'
        )
    if set(visual_encoder_for) - {'vlt', 'icn'} or not visual_encoder_for:
        raise ValueError(
            f'visual_encoder_for={visual_encoder_for!r}; '
            "name 'vlt', 'icn' or both"
        )
