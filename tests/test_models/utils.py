"""Small setup for model tests: five objects, nine interactions."""

import copy
from typing import Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor, nn

from clhoi_mm.models import PairBatch
from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.teacher.text_encoders import build_text_encoder
from clhoi_mm.vocabulary import HOIVocabulary

PARK = dict(
    name='park',
    objects=['person', 'bicycle', 'dog', 'bench', 'car'],
    verbs=['ride', 'hold', 'feed', 'no_interaction', 'hug', 'sit_on'],
    gerunds=[
        'riding',
        'holding',
        'feeding',
        'not interacting with',
        'hugging',
        'sitting on',
    ],
    # No interaction has the object car.
    hois=[
        [0, 1],
        [1, 1],
        [3, 1],
        [2, 2],
        [1, 2],
        [4, 2],
        [3, 2],
        [5, 3],
        [4, 0],
    ],
    rare=None,
    no_interaction='no_interaction',
)
RIDE, HOLD_BIKE, NO_BIKE, FEED, HOLD_DOG, HUG_DOG, NO_DOG, SIT, HUG = range(9)
PERSON, BIKE, DOG, BENCH, CAR = range(5)
VOCABULARY = HOIVocabulary.from_dict(PARK)
# The detector's classes: another order, other spellings.
CLASSES = ['Car', 'bench', 'dog', 'bicycle', 'person', 'kite']

TEXT_DIM = 32
ENCODER = dict(type='HashedTextEncoder', dim=TEXT_DIM)
SIZE = (64, 96)

FCOS = dict(
    type='FCOS',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[128.0, 128.0, 128.0],
        std=[64.0, 64.0, 64.0],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type='ResNet', depth=18, base_channels=8),
    neck=dict(
        type='FPN',
        in_channels=[8, 16, 32, 64],
        start_level=1,
        out_channels=16,
        num_outs=3,
    ),
    bbox_head=dict(
        type='FCOSHead',
        num_classes=6,
        in_channels=16,
        feat_channels=16,
        stacked_convs=1,
        strides=[8, 16, 32],
        regress_ranges=((-1, 64), (64, 128), (128, 1e8)),
        norm_cfg=None,
    ),
    test_cfg=dict(
        nms_pre=50,
        min_bbox_size=0,
        score_thr=0.0,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=10,
    ),
)


def detector_cfg(detector: dict = FCOS, **options) -> dict:
    """Build a frozen detector's config, with random weights by default."""
    cfg = dict(
        type='FrozenDetector',
        detector=detector,
        classes=CLASSES,
        allow_random=True,
    )
    cfg.update(options)
    return cfg


def model_cfg(supervision: str = 'vllm', **overrides) -> dict:
    """Build a small CLHOI's config; None omits a part."""
    cfg = dict(
        type='CLHOI',
        detector=detector_cfg(),
        pairing=dict(
            type='HumanObjectPairing',
            score_thr=0.0,
            max_humans=4,
            max_objects=5,
            max_pairs=16,
        ),
        vlt=dict(
            type='VLT',
            in_channels=16,
            text_dim=TEXT_DIM,
            embed_dims=16,
            num_tokens=3,
            num_layers=1,
            num_heads=2,
            levels=(0, 1),
        ),
        icn=dict(
            type='ICN',
            text_dim=TEXT_DIM,
            embed_dims=16,
            num_layers=1,
            num_heads=2,
            roi_channels=4,
            roi_extractor=dict(
                type='SingleRoIExtractor',
                roi_layer=dict(
                    type='RoIAlign', output_size=3, sampling_ratio=1
                ),
                out_channels=16,
                featmap_strides=[8],
            ),
        ),
        teacher_head=dict(
            type='TeacherHead',
            supervision=supervision,
            vocabulary=PARK,
            text_dim=TEXT_DIM,
            text_encoder=ENCODER,
        ),
        context_loss=dict(
            type='ContextDistillLoss', text_dim=TEXT_DIM, queue_size=8
        ),
        interaction_loss=dict(
            type='InteractionDistillLoss',
            contrast=dict(type='PairContrastLoss'),
            contrast_weight=0.005,
        ),
    )
    cfg.update(overrides)
    return copy.deepcopy(cfg)


def build(cfg: dict, seed: int = 0) -> nn.Module:
    """Build a module under this package's scope with fixed seed."""
    init_default_scope('clhoi_mm')
    torch.manual_seed(seed)
    module = MODELS.build(ConfigDict(cfg))
    if hasattr(module, 'teacher_head'):
        module.teacher_head.classifier.ensure_encoded()
    return module


def make_teacher_head(**options) -> nn.Module:
    """Build a teacher head of the small vocabulary."""
    return build(
        dict(
            type='TeacherHead',
            vocabulary=PARK,
            text_encoder=ENCODER,
            text_dim=TEXT_DIM,
        )
        | options
    )


def make_pseudo_labels(
    pseudo_labels: Sequence[Tuple[int, int, float]] = (),
    caption: Optional[str] = None,
    valid: bool = True,
) -> BaseDataElement:
    """Build an image's pseudo-labels as read from the cache.

    Args:
        pseudo_labels (Sequence): (HOI class or -1, object label or -1,
            score) rows.
        caption (str, optional): Defaults to the phrases in one line.
        valid (bool): Whether the image was in the cache.
    """
    encoder = build_text_encoder(ENCODER)
    phrases = [
        VOCABULARY.phrases[hoi]
        if hoi >= 0
        else f'a person washing a {VOCABULARY.objects[obj]}'
        for hoi, obj, _ in pseudo_labels
    ]
    caption = caption if caption is not None else '. '.join(phrases)

    def embed(texts: Sequence[str]) -> Tensor:
        if not texts:
            return torch.zeros(0, TEXT_DIM)
        return torch.from_numpy(np.asarray(encoder.encode(list(texts))))

    return BaseDataElement(
        caption_embed=embed([caption])[0]
        if caption
        else torch.zeros(TEXT_DIM),
        sentence_embeds=embed(phrases),
        verb_labels=torch.tensor(
            [
                VOCABULARY.hoi_verbs[h] if h >= 0 else -1
                for h, _, _ in pseudo_labels
            ],
            dtype=torch.long,
        ),
        obj_labels=torch.tensor(
            [o for _, o, _ in pseudo_labels], dtype=torch.long
        ),
        hoi_labels=torch.tensor(
            [h for h, _, _ in pseudo_labels], dtype=torch.long
        ),
        phrase_ids=torch.arange(len(pseudo_labels)),
        phrase_embeds=embed(phrases),
        scores=torch.tensor([s for _, _, s in pseudo_labels]),
        valid=valid,
    )


def make_detections(
    rows: Sequence[Tuple[int, float, Sequence[float]]],
) -> InstanceData:
    """Build detections from (label, score, box) rows."""
    return InstanceData(
        bboxes=torch.tensor([r[2] for r in rows]).float().reshape(-1, 4),
        labels=torch.tensor([r[0] for r in rows], dtype=torch.long),
        scores=torch.tensor([r[1] for r in rows]).float(),
    )


SCENE = (
    (PERSON, 0.9, (8, 8, 40, 60)),
    (BIKE, 0.8, (4, 30, 50, 62)),
    (PERSON, 0.7, (50, 4, 80, 60)),
    (DOG, 0.6, (60, 40, 90, 62)),
    (CAR, 0.9, (0, 0, 30, 20)),
)
WORDS = ((RIDE, BIKE, 0.9), (HOLD_DOG, DOG, 0.6), (-1, BIKE, 0.4))


def make_sample(
    rows: Optional[Sequence] = SCENE,
    pseudo_labels: Sequence = WORDS,
    hois: Sequence[Tuple[int, int, int]] = ((0, 1, RIDE), (2, 3, HOLD_DOG)),
    size: Tuple[int, int] = SIZE,
    img_id: int = 0,
    valid: bool = True,
    caption: Optional[str] = None,
) -> HOIDataSample:
    """Build a complete sample; rows=None leaves detection to the model.

    Args:
        rows (Sequence, optional): (label, score, box), also the annotations.
        pseudo_labels (Sequence): As in :func:`make_pseudo_labels`.
        hois (Sequence): Annotated (human row, object row, HOI class).
        size (tuple): Height and width.
        img_id (int): Id.
        valid (bool): Whether the teacher has answered.
        caption (str, optional): The teacher's caption.
    """
    sample = HOIDataSample(
        metainfo=dict(
            img_id=img_id,
            img_path=f'{img_id}.png',
            img_shape=size,
            ori_shape=size,
            batch_input_shape=SIZE,
            scale_factor=(1.0, 1.0),
        )
    )
    sample.teacher = make_pseudo_labels(pseudo_labels, caption, valid)
    sample.gt_hois = InstanceData(
        human_inds=torch.tensor([h for h, _, _ in hois], dtype=torch.long),
        object_inds=torch.tensor([o for _, o, _ in hois], dtype=torch.long),
        hoi_labels=torch.tensor([c for _, _, c in hois], dtype=torch.long),
        verb_labels=torch.tensor(
            [VOCABULARY.hoi_verbs[c] for _, _, c in hois], dtype=torch.long
        ),
    )
    boxes = make_detections(rows or SCENE)
    sample.gt_instances = InstanceData(
        bboxes=boxes.bboxes, labels=boxes.labels
    )
    if rows is not None:
        sample.detections = make_detections(rows)
        if not rows:
            sample.gt_instances = sample.gt_instances[:0]
    return sample


def make_pairs(
    rows: Sequence[Sequence], sizes: Optional[Sequence[Tuple[int, int]]] = None
) -> PairBatch:
    """Build pairs of several images by exhaustive loops.

    Args:
        rows (Sequence): For each image its (label, score, box) rows.
        sizes (Sequence, optional): (width, height) of each image.
    """
    boxes, labels, scores, image, human, obj, pair_image = (
        [] for _ in range(7)
    )
    for i, scene in enumerate(rows):
        first = len(boxes)
        for label, score, box in scene:
            boxes.append(box)
            labels.append(label)
            scores.append(score)
            image.append(i)
        for h, (label, _, _) in enumerate(scene):
            for o in range(len(scene)):
                if label == PERSON and o != h:
                    human.append(first + h)
                    obj.append(first + o)
                    pair_image.append(i)

    def tensor(values: Sequence, dtype: torch.dtype = torch.long) -> Tensor:
        return torch.tensor(values, dtype=dtype)

    return PairBatch(
        boxes=tensor(boxes, torch.float).reshape(-1, 4),
        labels=tensor(labels),
        scores=tensor(scores, torch.float),
        image_inds=tensor(image),
        human_inds=tensor(human),
        object_inds=tensor(obj),
        pair_inds=tensor(pair_image),
        image_sizes=tensor(sizes or [SIZE[::-1]] * len(rows), torch.float),
        num_pairs=[pair_image.count(i) for i in range(len(rows))],
    )


def total(losses: dict) -> Tensor:
    """Sum all losses."""
    return sum(v for k, v in losses.items() if 'loss' in k)


def check_gradients(model: nn.Module, losses: dict) -> None:
    """Assert finite losses and gradients of all trainable parameters."""
    assert all(torch.isfinite(v).all() for v in losses.values()), losses
    model.zero_grad()
    total(losses).backward()
    for name, param in model.named_parameters():
        if param.requires_grad:
            assert param.grad is not None, name
            assert torch.isfinite(param.grad).all(), name


FIELDS = (
    'human_bboxes',
    'object_bboxes',
    'object_labels',
    'verb_labels',
    'hoi_labels',
    'scores',
    'human_scores',
    'object_scores',
)


def same_predictions(one, two, **tolerance):
    for field in FIELDS:
        torch.testing.assert_close(
            one.pred_hois[field], two.pred_hois[field], **tolerance
        )
