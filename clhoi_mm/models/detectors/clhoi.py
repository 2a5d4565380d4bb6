from contextlib import nullcontext
from typing import ContextManager, Optional, Sequence, Union

import torch
from mmdet.models.detectors.base import BaseDetector
from torch import Tensor

from clhoi_mm.registry import MODELS, TASK_UTILS
from clhoi_mm.structures import HOIDataSample

from ..heads import Context, PairPredictions
from ..task_modules import PairBatch
from .cached_feats import CachedFeats
from .featmap_spec import FeatmapSpec, infer_icn_cfg, infer_vlt_cfg
from .frozen_detector import FrozenDetector, config_hash
from .hoi_post_processor import HOIPostProcessor
from .joint_detector import JointDetector
from .match_query_embeds import match_query_embeds
from .precomputed_detections import PrecomputedDetections
from .remembered_feats import RememberedFeats
from .self_teacher import SelfTeacher
from .visual_encoder import VisualEncoder


@MODELS.register_module()
class CLHOI(BaseDetector):
    """Human-object interaction detector distilled from image-level words.

    An mmdet detector, frozen unless asked, finds people and objects; its
    feature maps, taken once, also feed a Visual Linguistic Translator (VLT)
    that reads the image's context and an Interaction Cognition Network (ICN)
    that says what each human does to each object (CL-HOI, arXiv 2410.15657).
    Where samples bring what the detector gave, it does not run
    (:class:`LoadDetectorFeatures`).

    Args:
        teacher_head (dict): Config of the :class:`TeacherHead`, which holds
            the vocabulary.
        pairing (dict): Config of :class:`HumanObjectPairing`, less
            ``person_label``, which is the vocabulary's.
        icn (dict): Config of the ICN. Channels and strides of the maps that
            its RoI extractor reads are looked up where it does not state
            them.
        detector (dict, optional): Config of any mmdet detector. Defaults to
            None: samples bring their detections (:class:`LoadDetections`),
            and nothing is seen but boxes and classes; a VLT, RoI features
            and a visual encoder cannot be used then.
        vlt (dict, optional): Config of the VLT; its ``in_channels`` are
            looked up likewise. Without it the ICN has no context to listen
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
        visual_encoder_for (Sequence[str]): Who reads these, of 'vlt' and
            'icn'; the other reads the detector's. Defaults to both.
        detector_checkpoint (str, optional): Path of the detector's weights.
        detector_classes (str or Sequence[str], optional): Names of the
            detector's classes or 'coco'; its checkpoint may state them.
        train_detector (bool): Train the detector along, from annotated boxes
            and with its own losses, see :class:`JointDetector`. Defaults to
            False: it is frozen.
        feat_cache_size (int): Views of images whose maps, detections and
            RoI features are kept in memory, in training and its validation.
            Defaults to 0.
        allow_random_detector (bool): Go on without the detector's weights.
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
        detector: Optional[dict] = None,
        vlt: Optional[dict] = None,
        context_loss: Optional[dict] = None,
        interaction_loss: Optional[dict] = None,
        label_noise: Optional[dict] = None,
        visual_encoder: Optional[dict] = None,
        visual_encoder_for: Sequence[str] = ('vlt', 'icn'),
        detector_checkpoint: Optional[str] = None,
        detector_classes: Union[str, Sequence[str], None] = None,
        train_detector: bool = False,
        feat_cache_size: int = 0,
        allow_random_detector: bool = False,
        context_weight_stage2: float = 0.5,
        score_power: float = 1.0,
        max_per_img: int = 100,
        missing_role_weight: Optional[float] = None,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        if data_preprocessor is None:
            data_preprocessor = (
                dict(type='SamplePreprocessor')
                if detector is None
                else detector.get('data_preprocessor')
            )
        super().__init__(data_preprocessor, init_cfg)
        if vlt is None and (context_loss or not interaction_loss):
            raise ValueError(
                'without a vlt there is no context to distil and '
                'no image embedding to score pairs with; give '
                'vlt, or interaction_loss alone'
            )
        if not (context_loss or interaction_loss):
            raise ValueError(
                'nothing would be trained; give context_loss, '
                'interaction_loss or both'
            )
        self.teacher_head = MODELS.build(teacher_head)
        vocabulary = self.teacher_head.phrases.vocabulary
        self.train_detector = train_detector
        if detector is None:
            self.detector = PrecomputedDetections(
                {
                    'vlt': vlt,
                    'icn.roi_extractor': icn.get('roi_extractor'),
                    'icn.query_embed_channels': icn.get(
                        'query_embed_channels'
                    ),
                    'visual_encoder': visual_encoder,
                    'detector_checkpoint': detector_checkpoint,
                    'detector_classes': detector_classes,
                    'train_detector': train_detector,
                    'feat_cache_size': feat_cache_size,
                }
            )
        else:
            kind = JointDetector if train_detector else FrozenDetector
            self.detector = kind(
                dict(detector, data_preprocessor=data_preprocessor),
                vocabulary,
                detector_checkpoint,
                detector_classes,
                remember=feat_cache_size,
                allow_random=allow_random_detector,
            )
        self.visual_encoder = None
        if visual_encoder is not None:
            self.visual_encoder = VisualEncoder(
                visual_encoder, data_preprocessor
            )
        odd = set(visual_encoder_for) - {'vlt', 'icn'}
        if odd or not visual_encoder_for:
            raise ValueError(
                f'visual_encoder_for={visual_encoder_for!r}; '
                "name 'vlt', 'icn' or both"
            )
        self.visual_encoder_for = tuple(visual_encoder_for)
        vlt = infer_vlt_cfg(vlt, lambda: self._featmap_spec('vlt'))
        icn = infer_icn_cfg(icn, lambda: self._featmap_spec('icn'))
        self.roi_hash = config_hash(icn.get('roi_extractor'))
        self.pairing = TASK_UTILS.build(
            dict(**pairing, person_label=vocabulary.person_label)
        )

        def build(cfg: Optional[dict]) -> Optional[torch.nn.Module]:
            return None if cfg is None else MODELS.build(cfg)

        if label_noise is not None:
            label_noise = dict(
                label_noise, vocabulary=teacher_head['vocabulary']
            )
        self.vlt = build(vlt)
        self.context_loss = build(context_loss)
        self.interaction_loss = build(interaction_loss)
        self.label_noise = build(label_noise)
        self.icn = None
        self.icn_cfg = dict(**icn, with_context=vlt is not None)
        if interaction_loss is not None:
            self.icn = MODELS.build(self.icn_cfg)
        # Whom SelfDistillHook appoints.
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

    def snapshot_self_teacher(self) -> SelfTeacher:
        """Let the student's present state help to teach from now on."""
        self.self_teacher = SelfTeacher(self.vlt, self.icn)
        return self.self_teacher

    def reinit_icn(self) -> None:
        """Give the ICN the weights of one that has learned nothing."""
        fresh = MODELS.build(self.icn_cfg)
        fresh.init_weights()
        self.icn.load_state_dict(fresh.state_dict())

    def extract_feat(
        self,
        inputs: Tensor,
        samples: Optional[list[HOIDataSample]] = None,
        remember: bool = False,
    ) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """The detector's maps and those of a visual encoder, if there is one.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (list[HOIDataSample], optional): Where they come from; if
                they bring the detector's features, these are read.
            remember (bool): Let the detector remember them.

        Returns:
            tuple: The detector's maps, and the encoder's or else the
            detector's, each (B, C, h, w); :meth:`select_feats` tells who reads
            which.
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
        given = [s.get('detections') for s in samples]
        reads_states = (
            getattr(self.icn, 'query_embed_channels', None) is not None
        )
        if any(
            g is None or reads_states and 'query_embeds' not in g
            for g in given
        ):
            found = self.detector.detect(inputs, feats, samples)
            given = [
                f
                if g is None
                else match_query_embeds(g, f)
                if reads_states and 'query_embeds' not in g
                else g
                for g, f in zip(given, found)
            ]
        sizes = inputs.new_tensor([s.img_shape[1::-1] for s in samples])
        return self.pairing(
            given, sizes, self.teacher_head.phrases.is_candidate
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
        sizes = torch.tensor([s.img_shape[:2] for s in samples]).to(
            inputs.device
        )
        below, right = (
            torch.arange(length, device=inputs.device) >= sizes[:, axis, None]
            for axis, length in enumerate(shape)
        )
        return vlt(feats, below[:, :, None] | right[:, None])

    def score_pairs(
        self,
        feats: Sequence[Tensor],
        pairs: PairBatch,
        context: Optional[Context],
        student: Optional[SelfTeacher] = None,
    ) -> PairPredictions:
        """Score pairs by the ICN, or by the image where there is none."""
        phrases = self.teacher_head.phrases
        icn = (student or self).icn
        if icn is not None:
            with self._known_rois(feats, icn):
                return icn(
                    feats,
                    pairs,
                    phrases,
                    None if context is None else context.tokens,
                )
        embeds = context.image_embed[pairs.pair_inds]
        scale = self.context_loss.log_scale.exp()
        valid = phrases.hoi_objects[None] == pairs.object_labels[:, None]
        with torch.autocast(embeds.device.type, enabled=False):
            logits = scale * (embeds @ phrases.hoi_phrases.T - 1)
        return PairPredictions(
            embeds, phrases.score_no_interaction(logits, valid), valid
        )

    def _known_rois(
        self, feats: Sequence[Tensor], icn: torch.nn.Module
    ) -> ContextManager:
        """Let RoI features from a file or a memory stand for pooling."""
        extractor = getattr(icn, 'roi_extractor', None)
        if extractor is None or not isinstance(
            feats, (CachedFeats, RememberedFeats)
        ):
            return nullcontext()
        return feats.pooled(extractor, self.roi_hash)

    def loss(
        self, batch_inputs: Tensor, batch_data_samples: list[HOIDataSample]
    ) -> dict[str, Tensor]:
        """Losses of the present stage.

        Args:
            batch_inputs (Tensor): Images, (B, 3, H, W).
            batch_data_samples (list[HOIDataSample]): With the teacher's words
                or with annotations, as the teacher head's supervision needs.

        Returns:
            dict[str, Tensor]: Losses; parts that rest are connected by zero.
        """
        self.detector.check_loaded()
        maps = self.extract_feat(
            batch_inputs, batch_data_samples, remember=True
        )
        context = self.encode_context(
            batch_inputs, self.select_feats('vlt', maps), batch_data_samples
        )
        losses = {}
        pairs = None
        if self.stage >= 2 and self.icn is not None:
            pairs = self.generate_pairs(
                batch_inputs, maps[0], batch_data_samples
            )
        targets = self.teacher_head(batch_data_samples, pairs)
        if pairs is not None:
            predictions = self.score_pairs(
                self.select_feats('icn', maps), pairs, context
            )
            classifier = self.teacher_head.phrases
            if self.has_label_noise:
                targets = self.label_noise(
                    targets,
                    predictions,
                    pairs,
                    classifier,
                    self._self_teach(
                        batch_inputs, maps, pairs, batch_data_samples
                    ),
                )
                losses.update(
                    self.label_noise.prior_losses(
                        self.label_noise.is_warmed_up
                        & (self.self_teacher is None)
                    )
                )
            losses.update(
                self.interaction_loss(predictions, pairs, targets, classifier)
            )
        if self.context_loss is not None:
            weight = 1.0 if pairs is None else self.context_weight_stage2
            losses.update(
                {
                    k: v * weight if k.startswith('loss') else v
                    for k, v in self.context_loss(context, targets).items()
                }
            )
        # DistributedDataParallel waits for every parameter's gradient: parts
        # that rest, in all or in part, get a gradient of zero.
        resting = [self.visual_encoder]
        if pairs is None:
            resting += [self.icn, self.interaction_loss]
        if pairs is None or not self.has_label_noise:
            resting.append(self.label_noise)
        if self.context_loss is None:
            resting.append(self.vlt)
        sums = [
            p.sum()
            for part in resting
            if part is not None
            for p in part.parameters()
            if p.requires_grad
        ]
        if sums:
            first = next(k for k in losses if k.startswith('loss'))
            losses[first] = losses[first] + torch.stack(sums).sum() * 0.0
        if self.train_detector:
            losses.update(
                self.detector.loss(batch_inputs, maps[0], batch_data_samples)
            )
        return losses

    @torch.no_grad()
    def _self_teach(
        self,
        inputs: Tensor,
        maps: tuple[Sequence[Tensor], ...],
        pairs: PairBatch,
        samples: list[HOIDataSample],
    ) -> Optional[PairPredictions]:
        """Score the same pairs by the self-teacher, if there is one."""
        if self.self_teacher is None:
            return None
        context = self.encode_context(
            inputs, self.select_feats('vlt', maps), samples, self.self_teacher
        )
        return self.score_pairs(
            self.select_feats('icn', maps), pairs, context, self.self_teacher
        )

    def val_step(self, data: dict) -> list[HOIDataSample]:
        """Predict while training, where images come again.

        Args:
            data (dict): As the data set gives it.

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
        """Detect interactions; never reads the teacher's words.

        Args:
            batch_inputs (Tensor): Images, (B, 3, H, W).
            batch_data_samples (list[HOIDataSample]): Whose metainfo is read.
            rescale (bool): Give boxes in original-image coordinates.
            remember (bool): Let the detector remember the images, where it
                has a memory. Defaults to False.

        Returns:
            list[HOIDataSample]: The samples with ``pred_hois``, sorted by
            score, and ``pred_instances``.
        """
        self.detector.check_loaded()
        self.teacher_head.phrases.ensure_encoded()
        maps = self.extract_feat(batch_inputs, batch_data_samples, remember)
        pairs = self.generate_pairs(batch_inputs, maps[0], batch_data_samples)
        context = self.encode_context(
            batch_inputs, self.select_feats('vlt', maps), batch_data_samples
        )
        interactions = self.score_pairs(
            self.select_feats('icn', maps), pairs, context
        )
        HOIPostProcessor(
            self.teacher_head.phrases,
            self.score_power,
            self.max_per_img,
            self.missing_role_weight,
        ).write(batch_data_samples, interactions, pairs, rescale)
        return batch_data_samples

    def _forward(
        self, batch_inputs: Tensor, batch_data_samples: list[HOIDataSample]
    ) -> PairPredictions:
        """Raw scores of the pairs, without post-processing."""
        maps = self.extract_feat(batch_inputs, batch_data_samples)
        pairs = self.generate_pairs(batch_inputs, maps[0], batch_data_samples)
        context = self.encode_context(
            batch_inputs, self.select_feats('vlt', maps), batch_data_samples
        )
        return self.score_pairs(self.select_feats('icn', maps), pairs, context)
