"""Conversion of samples, as plain dicts, to flat arrays.

All fields that metrics use are read and validated here.
"""

from dataclasses import dataclass
from typing import Any, Mapping, Sequence, Sized, Tuple

import numpy as np

from .arrays import read_floats, read_labels, refuse_infinite
from .pair_table import ImageLabelTable, PairTable

_NO_BBOXES = np.zeros((0, 4), dtype=np.float32)
_NO_LABELS = np.zeros(0, dtype=np.int64)
_NO_PAIRS = PairTable(
    _NO_LABELS,
    _NO_BBOXES,
    _NO_BBOXES,
    _NO_LABELS,
    np.zeros(0, dtype=np.float32),
)


@dataclass(frozen=True)
class HOIRecord:
    """Annotations and predictions of one image.

    Args:
        img_id (int | str): Id of the image.
        gt (PairTable): Annotated pairs; ``image_inds`` are 0.
        pred (PairTable): Predicted pairs; ``image_inds`` are 0.
        hoi_labels (np.ndarray): Classes annotated for the image or for one of
            its pairs, (n,) int64.
        num_outside (int): Rows with label -1, which belong to no class and
            are left out.
    """

    img_id: Any
    gt: PairTable
    pred: PairTable
    hoi_labels: np.ndarray
    num_outside: int


def read_sample(sample: Mapping[str, Any], num_hois: int) -> HOIRecord:
    """Read and validate one sample.

    Args:
        sample (Mapping): ``HOIDataSample.to_dict()``, or a dict of the same
            form with arrays or lists. Used are ``img_id``, ``gt_hois``,
            ``image_hoi_labels`` (optional) and ``pred_hois``.
        num_hois (int): Number of interaction classes, C.

    Returns:
        HOIRecord: Arrays on the CPU that share no memory with a batch.

    Raises:
        KeyError: If a field is missing.
        ValueError: If a field has a wrong shape, a label outside [-1, C), or a
            number that is not finite.
    """
    if 'img_id' not in sample:
        raise KeyError(
            'A sample has no img_id; add it to the meta_keys of '
            'the transform that packs the samples.'
        )
    img_id = sample['img_id']
    gt, gt_outside = _read_pairs(sample, 'gt_hois', num_hois, scored=False)
    pred, pred_outside = _read_pairs(
        sample, 'pred_hois', num_hois, scored=True
    )
    hoi_labels = gt.hoi_labels
    if sample.get('image_hoi_labels') is not None:
        image_labels = read_labels(
            sample['image_hoi_labels'],
            num_hois,
            f'Image {img_id}: image_hoi_labels',
        )
        hoi_labels = np.union1d(hoi_labels, image_labels[image_labels >= 0])
    return HOIRecord(img_id, gt, pred, hoi_labels, gt_outside + pred_outside)


def stack_records(
    records: Sequence[HOIRecord],
) -> Tuple[PairTable, PairTable, ImageLabelTable]:
    """Join the tables of images.

    Args:
        records (Sequence[HOIRecord]): One per image, in the data set's order.

    Returns:
        tuple: Annotated pairs, predicted pairs, and image-level labels.
    """
    labels = [record.hoi_labels for record in records]
    return (
        _stack([record.gt for record in records]),
        _stack([record.pred for record in records]),
        ImageLabelTable(
            image_inds_of(labels), np.concatenate([_NO_LABELS, *labels])
        ),
    )


def image_inds_of(rows: Sequence[Sized]) -> np.ndarray:
    """Index the image of each row."""
    counts = np.array([len(row) for row in rows], dtype=np.int64)
    return np.repeat(np.arange(len(rows)), counts)


def _stack(tables: Sequence[PairTable]) -> PairTable:
    image_inds = image_inds_of(tables)
    tables = [_NO_PAIRS, *tables]  # np.concatenate needs at least one
    return PairTable(
        image_inds,
        np.concatenate([table.human_bboxes for table in tables]),
        np.concatenate([table.object_bboxes for table in tables]),
        np.concatenate([table.hoi_labels for table in tables]),
        np.concatenate([table.scores for table in tables]),
    )


def _read_pairs(
    sample: Mapping[str, Any], field: str, num_hois: int, scored: bool
) -> Tuple[PairTable, int]:
    """Read `gt_hois` or `pred_hois`; count rows without a class."""
    name = f'Image {sample["img_id"]}: {field}'
    pairs = sample.get(field)
    if pairs is None:
        raise KeyError(
            f'{name} is missing; an image without pairs carries empty arrays.'
        )
    required = ['human_bboxes', 'object_bboxes', 'hoi_labels']
    required += ['scores'] if scored else []
    missing = [key for key in required if key not in pairs]
    if missing:
        raise KeyError(f'{name} lacks {", ".join(missing)}.')

    hoi_labels = read_labels(
        pairs['hoi_labels'], num_hois, f'{name}.hoi_labels'
    )
    inside = hoi_labels >= 0
    num = len(hoi_labels)
    scores = pairs['scores'] if scored else np.ones(num, dtype=np.float32)
    columns = dict(
        human_bboxes=read_floats(
            pairs['human_bboxes'], (num, 4), f'{name}.human_bboxes'
        ),
        object_bboxes=read_floats(
            pairs['object_bboxes'], (num, 4), f'{name}.object_bboxes'
        ),
        scores=read_floats(scores, (num,), f'{name}.scores'),
    )
    for column, values in columns.items():
        refuse_infinite(values, inside, f'{name}.{column}')
    table = PairTable(
        np.zeros(num, dtype=np.int64), hoi_labels=hoi_labels, **columns
    )
    return table[inside], num - int(inside.sum())
