"""Conversion of samples, as plain dicts, to V-COCO's flat arrays."""

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Tuple

import numpy as np

from .arrays import read_floats, read_labels, refuse_infinite, to_numpy
from .samples import image_inds_of
from .v_coco_tables import RolePredictions, VCOCOTruth


@dataclass(frozen=True)
class VCOCORecord:
    """Annotations and predictions of one image.

    Args:
        img_id (int | str): Id of the image.
        size (np.ndarray, optional): Width and height, (2,).
        truth (VCOCOTruth): Annotations; ``image_inds`` are 0.
        pred (RolePredictions): Predictions; ``image_inds`` are 0.
    """

    img_id: Any
    size: Optional[np.ndarray]
    truth: VCOCOTruth
    pred: RolePredictions


def read_v_coco_sample(
    sample: Mapping[str, Any], num_verbs: int
) -> VCOCORecord:
    """Read and validate one sample.

    Args:
        sample (Mapping): ``HOIDataSample.to_dict()``, or a dict of the same
            form with arrays or lists. Used are ``img_id``, ``gt_persons``,
            ``gt_hois``, ``pred_hois`` (optionally with ``agent_scores``) and
            ``ori_shape`` (height, width; optional).
        num_verbs (int): Number of verbs, V.

    Returns:
        VCOCORecord: Arrays on the CPU that share no memory with a batch.

    Raises:
        KeyError: If a field is missing.
        ValueError: If a field has a wrong shape or content.
    """
    if 'img_id' not in sample:
        raise KeyError(
            'A sample has no img_id; add it to the meta_keys of '
            'the transform that packs the samples.'
        )
    img_id = sample['img_id']
    name = f'Image {img_id}'
    size = None
    if sample.get('ori_shape') is not None:
        size = np.array(sample['ori_shape'][1::-1], dtype=np.float32)
    return VCOCORecord(
        img_id,
        size,
        _read_truth(sample, name, num_verbs),
        _read_predictions(sample, name, num_verbs),
    )


def stack_v_coco_records(
    records: Sequence[VCOCORecord],
) -> Tuple[VCOCOTruth, RolePredictions]:
    """Join the tables of images.

    Args:
        records (Sequence[VCOCORecord]): One per image, in the data set's
            order; at least one.

    Returns:
        tuple: Annotations and predictions.
    """
    truths = [record.truth for record in records]
    preds = [record.pred for record in records]
    counts = np.array([len(truth.bboxes) for truth in truths])
    firsts = np.cumsum(counts) - counts
    person_images = np.repeat(np.arange(len(records)), counts)
    sizes = None
    if all(record.size is not None for record in records):
        sizes = np.stack([record.size for record in records])[person_images]
    truth = VCOCOTruth(
        person_images,
        np.concatenate([truth.bboxes for truth in truths]),
        np.concatenate([truth.labeled for truth in truths]),
        sizes,
        np.concatenate(
            [t.role_persons + first for t, first in zip(truths, firsts)]
        ),
        np.concatenate([truth.role_verbs for truth in truths]),
        np.concatenate([truth.role_bboxes for truth in truths]),
    )
    columns = (
        'human_bboxes',
        'object_bboxes',
        'verb_labels',
        'scores',
        'agent_scores',
    )
    pred = RolePredictions(
        image_inds_of(preds),
        *(
            np.concatenate([getattr(pred, column) for pred in preds])
            for column in columns
        ),
    )
    return truth, pred


def _fields(
    sample: Mapping[str, Any], field: str, name: str, required: Sequence[str]
) -> Mapping[str, Any]:
    values = sample.get(field)
    if values is None:
        raise KeyError(
            f'{name}: {field} is missing; an image without them '
            'carries empty arrays.'
        )
    missing = [key for key in required if key not in values]
    if missing:
        raise KeyError(f'{name}: {field} lacks {", ".join(missing)}.')
    return values


def _read_truth(
    sample: Mapping[str, Any], name: str, num_verbs: int
) -> VCOCOTruth:
    persons = _fields(sample, 'gt_persons', name, ('bboxes', 'hoi_labelled'))
    hois = _fields(
        sample,
        'gt_hois',
        name,
        ('human_bboxes', 'object_bboxes', 'verb_labels'),
    )
    labeled = to_numpy(persons['hoi_labelled']).astype(bool).reshape(-1)
    bboxes = read_floats(
        persons['bboxes'], (len(labeled), 4), f'{name}: gt_persons.bboxes'
    )
    verbs = read_labels(
        hois['verb_labels'], num_verbs, f'{name}: gt_hois.verb_labels'
    )
    if (verbs < 0).any():
        raise ValueError(
            f'{name}: gt_hois.verb_labels holds -1, but each '
            'annotated interaction has a verb.'
        )
    subjects, roles = (
        read_floats(hois[key], (len(verbs), 4), f'{name}: gt_hois.{key}')
        for key in ('human_bboxes', 'object_bboxes')
    )
    # Persons are identified by their box; of equal boxes the labeled one.
    same = (subjects[:, None] == bboxes[None]).all(axis=2)
    inds = (
        np.argmax(same * (1 + labeled), axis=1)
        if len(bboxes)
        else np.zeros(len(verbs), dtype=np.int64)
    )
    if len(verbs) and not same.any(axis=1).all():
        raise ValueError(
            f'{name}: gt_hois.human_bboxes holds a person who is not among '
            'gt_persons; both must be in original-image coordinates.'
        )
    return VCOCOTruth(
        np.zeros(len(bboxes), dtype=np.int64),
        bboxes,
        labeled,
        None,
        inds,
        verbs,
        roles,
    )


def _read_predictions(
    sample: Mapping[str, Any], name: str, num_verbs: int
) -> RolePredictions:
    hois = _fields(
        sample,
        'pred_hois',
        name,
        ('human_bboxes', 'object_bboxes', 'verb_labels', 'scores'),
    )
    name = f'{name}: pred_hois'
    verbs = read_labels(hois['verb_labels'], num_verbs, f'{name}.verb_labels')
    num = len(verbs)
    bboxes = read_floats(
        hois['human_bboxes'], (num, 4), f'{name}.human_bboxes'
    )
    refuse_infinite(bboxes, verbs >= 0, f'{name}.human_bboxes')
    scores = read_floats(hois['scores'], (num,), f'{name}.scores')
    agent_scores = hois.get('agent_scores')
    if agent_scores is None:
        agent_scores = scores
    pred = RolePredictions(
        np.zeros(num, dtype=np.int64),
        bboxes,
        read_floats(hois['object_bboxes'], (num, 4), f'{name}.object_bboxes'),
        verbs,
        scores,
        read_floats(agent_scores, (num,), f'{name}.agent_scores'),
    )
    return pred[verbs >= 0]
