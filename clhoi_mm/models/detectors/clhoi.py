from typing import Any, Optional, Sequence

import torch
from mmdet.models.detectors.base import BaseDetector
from torch import Tensor, nn

from clhoi_mm.registry import MODELS, TASK_UTILS
from clhoi_mm.structures import HOIDataSample

from ..heads import ContextScorer, PairPredictions, PhraseClassifier
from ..losses.resting import connect_resting
from ..task_modules import PairBatch
from .check_parts import check_parts
from .detector_adapter import build_detector
from .distillation import Distillation
from .encoded_batch import EncodedBatch
from .featmap_spec import infer_icn_cfg, infer_vlt_cfg
from .hoi_post_processor import HOIPostProcessor
from .self_teacher import SelfTeacher
from .student import Student
from .visual_encoder import VisualEncoder


def _build(cfg: Optional[dict], **defaults: Any) -> Optional[nn.Module]:
    return None if cfg is None else MODELS.build(cfg, default_args=defaults)


@MODELS.register_module()
class CLHOI(BaseDetector):
    """Human-object interaction detector distilled from pseudo-labels.

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
            looked up in the same way. Without it the ICN has no context.
        context_loss (dict, optional): Config of the context distillation.
        interaction_loss (dict, optional): Config of the interaction
            distillation. Without it there is no ICN: pairs are scored by the
            VLT's image embedding against phrases.
        label_noise (dict, optional): Config of a :class:`LabelNoiseModel`,
            less ``vocabulary``, which is the teacher head's. Corrects
            pseudo-labels; annotations are taken as they are.
        pointing (dict, optional): Config of a :class:`PointingPrior`, which
            uses the pairs that the teacher points at, where it was asked.
        visual_encoder (dict, optional): Config of a backbone whose maps feed
            VLT and ICN in place of the detector's, see
            :class:`VisualEncoder`.
        visual_encoder_for (Sequence[str]): Which of 'vlt' and 'icn' read
            these; the other reads the detector's. Defaults to both.
        context_weight_stage2 (float): Weight of the context distillation
            while interactions are distilled. Defaults to 0.5.
        context_temperature (float): Temperature of similarities between
            images and text at the start; it is learned. Defaults to 0.1.
        score_power (float): Exponent of the detection scores in the final
            score. Defaults to 1.
        max_per_img (int): Predictions kept in an image. Defaults to 100.
        missing_role_weight (float, optional): Beside these, give a row without
            an object for each person and action, as V-COCO's metric needs:
            with this share of the score of the person's best pair with the
            verb. Defaults to None: no such rows.
        calibration (dict, optional): Calibration of the final scores, such as
            :class:`PlattScaling`. Defaults to None.
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
        pointing: Optional[dict] = None,
        visual_encoder: Optional[dict] = None,
        visual_encoder_for: Sequence[str] = ('vlt', 'icn'),
        context_weight_stage2: float = 0.5,
        context_temperature: float = 0.1,
        score_power: float = 1.0,
        max_per_img: int = 100,
        missing_role_weight: Optional[float] = None,
        calibration: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        check_parts(vlt, context_loss, interaction_loss, visual_encoder_for)
        head = MODELS.build(teacher_head)
        vocabulary = head.classifier.vocabulary
        adapter = build_detector(detector, vocabulary, data_preprocessor)
        adapter.check_readers(vlt, icn, visual_encoder)
        super().__init__(adapter.preprocessor_cfg, init_cfg)
        self.teacher_head = head
        self.detector = adapter
        self.visual_encoder = visual_encoder and VisualEncoder(
            visual_encoder, adapter.preprocessor_cfg
        )
        self.visual_encoder_for = tuple(visual_encoder_for)
        self.pairing = TASK_UTILS.build(
            dict(**pairing, person_label=vocabulary.person_label)
        )
        vlt = infer_vlt_cfg(vlt, self._source_of('vlt').featmap_spec)
        icn = infer_icn_cfg(icn, self._source_of('icn').featmap_spec)
        self.vlt = _build(vlt)
        self.context_scorer = vlt and ContextScorer(context_temperature)
        self.context_loss = _build(context_loss)
        self.interaction_loss = _build(interaction_loss)
        self.label_noise = _build(
            label_noise, vocabulary=teacher_head['vocabulary']
        )
        self.pointing = _build(pointing)
        self.icn_cfg = dict(**icn, with_context=vlt is not None)
        self.icn = _build(interaction_loss and self.icn_cfg)
        # Set by SelfDistillHook.
        self.self_teacher: Optional[SelfTeacher] = None
        self.context_weight_stage2 = context_weight_stage2
        self.post_processor = HOIPostProcessor(
            head.classifier,
            score_power,
            max_per_img,
            missing_role_weight,
            calibration and TASK_UTILS.build(calibration),
        )
        # 1: context distillation, 2: interaction distillation as well.
        # DistillStageHook sets it by epoch.
        self.stage = 2

    @property
    def has_label_noise(self) -> bool:
        """Whether a noise model corrects the labels."""
        parts = (self.label_noise, self.interaction_loss)
        return self.teacher_head.uses_pseudo_labels and None not in parts

    @property
    def classifier(self) -> PhraseClassifier:
        """Classifier of the vocabulary's classes."""
        return self.teacher_head.classifier

    @property
    def student(self) -> Student:
        """The model's VLT and ICN."""
        return Student(self.vlt, self.icn, self.context_scorer)

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
    ) -> tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]]:
        """Compute the maps of detector and visual encoder.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (list[HOIDataSample], optional): Their samples; detector's
                features that these bring are read.
            remember (bool): Let the detector remember them.

        Returns:
            tuple: The detector's maps, those that the VLT reads and those
            that the ICN reads, each (B, C, h, w).
        """
        feats = self.detector.extract_feat(inputs, samples, remember)
        maps = {self.detector: feats}
        if self.visual_encoder is not None:
            maps[self.visual_encoder] = self.visual_encoder(inputs, samples)
        read = [maps[self._source_of(part)] for part in ('vlt', 'icn')]
        return feats, *read

    def _source_of(self, part: str) -> nn.Module:
        """Return the network whose maps 'vlt' or 'icn' reads."""
        if self.visual_encoder is None or part not in self.visual_encoder_for:
            return self.detector
        return self.visual_encoder

    def generate_pairs(
        self,
        inputs: Tensor,
        feats: Sequence[Tensor],
        samples: list[HOIDataSample],
        classifier: Optional[PhraseClassifier] = None,
    ) -> PairBatch:
        """Pair detections: a sample's own, or else the detector's."""
        needs_queries = getattr(self.icn, 'query_embed_channels', None)
        detections = self.detector.get_detections(
            inputs, feats, samples, needs_queries is not None
        )
        sizes = inputs.new_tensor([s.img_shape[1::-1] for s in samples])
        is_candidate = (classifier or self.classifier).is_candidate
        return self.pairing(detections, sizes, is_candidate)

    def prepare(
        self,
        inputs: Tensor,
        samples: list[HOIDataSample],
        with_pairs: bool = True,
        remember: bool = False,
        classifier: Optional[PhraseClassifier] = None,
    ) -> EncodedBatch:
        """Compute feature maps and form pairs, as a student needs them.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (list[HOIDataSample]): Their samples.
            with_pairs (bool): Form pairs. Defaults to True.
            remember (bool): Let the detector remember the images, where it
                has a memory. Defaults to False.
            classifier (PhraseClassifier, optional): Classes to form pairs
                for. Defaults to None, the vocabulary's.
        """
        self.detector.check_loaded()
        classifier = classifier or self.classifier
        maps = self.extract_feat(inputs, samples, remember)
        pairs = None
        if with_pairs:
            pairs = self.generate_pairs(inputs, maps[0], samples, classifier)
        return EncodedBatch(inputs, samples, classifier, *maps, pairs)

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
        with_pairs = self.stage >= 2 and self.icn is not None
        batch = self.student.encode(
            self.prepare(batch_inputs, batch_data_samples, with_pairs, True)
        )
        targets = self.teacher_head(batch_data_samples, batch.pairs)
        losses = Distillation(
            self.interaction_loss,
            self.label_noise if self.has_label_noise else None,
            self.self_teacher,
            self.context_loss,
            self.context_weight_stage2,
            self.pointing,
        ).losses(batch, targets, self.context_scorer)
        resting = [self.visual_encoder]
        if not with_pairs:
            resting += [self.icn, self.interaction_loss]
        if not (with_pairs and self.has_label_noise):
            resting.append(self.label_noise)
        if self.context_loss is None:
            resting += [self.vlt, self.context_scorer]
        connect_resting(losses, resting)
        losses.update(
            self.detector.loss(batch_inputs, batch.feats, batch_data_samples)
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
        classifier: Optional[PhraseClassifier] = None,
    ) -> list[HOIDataSample]:
        """Detect interactions; the teacher's pseudo-labels are never read.

        Args:
            batch_inputs (Tensor): Images, (B, 3, H, W).
            batch_data_samples (list[HOIDataSample]): Their metainfo is read.
            rescale (bool): Give boxes in original-image coordinates.
            remember (bool): Let the detector remember the images, where it
                has a memory. Defaults to False.
            classifier (PhraseClassifier, optional): Classes to detect in
                place of the vocabulary's; they have objects, so that there
                are no rows without. Defaults to None.

        Returns:
            list[HOIDataSample]: The samples with ``pred_hois``, sorted by
            score, and ``pred_instances``.
        """
        batch = self.prepare(
            batch_inputs, batch_data_samples, True, remember, classifier
        )
        self.classifier.ensure_encoded()
        batch = self.student.encode(batch, with_text=False)
        self.post_processor.for_classes(classifier).write(
            batch_data_samples, batch.predictions, batch.pairs, rescale
        )
        return batch_data_samples

    def _forward(
        self, batch_inputs: Tensor, batch_data_samples: list[HOIDataSample]
    ) -> PairPredictions:
        """Predict raw scores of the pairs, without post-processing."""
        batch = self.prepare(batch_inputs, batch_data_samples)
        return self.student.encode(batch).predictions
