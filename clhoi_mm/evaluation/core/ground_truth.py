"""Ground truth from an annotation file."""

from typing import Tuple

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.vocabulary import normalize_name

from .pair_table import ImageLabelTable, PairTable
from .v_coco_tables import VCOCOActions, VCOCOTruth


def hico_det_ground_truth(
    file: AnnotationFile,
) -> Tuple[PairTable, ImageLabelTable]:
    """Read the visible pairs and the image-level labels.

    Pairs that lack a box or belong to no class of the file are left out.

    Args:
        file (AnnotationFile): The annotation file; labels are indices into
            its lists.
    """
    boxed = file.object_inds >= 0
    labels = np.full(len(file.object_inds), -1)
    labels[boxed] = file.hoi_lookup[
        file.pair_verbs[boxed], file.box_labels[file.object_inds[boxed]]
    ]
    visible = np.flatnonzero(
        (labels >= 0) & ~file.invisible & (file.human_inds >= 0)
    )
    visible = visible[np.argsort(file.pair_images[visible], kind='stable')]
    gt = PairTable(
        file.pair_images[visible],
        file.bboxes[file.human_inds[visible]],
        file.bboxes[file.object_inds[visible]],
        labels[visible],
        np.ones(len(visible), dtype=np.float32),
    )
    in_classes = labels >= 0
    return gt, ImageLabelTable(
        np.concatenate([file.pair_images[in_classes], file.image_hois[:, 0]]),
        np.concatenate([labels[in_classes], file.image_hois[:, 1]]),
    )


def v_coco_ground_truth(
    file: AnnotationFile,
) -> Tuple[VCOCOTruth, VCOCOActions]:
    """Read the persons, their roles, and the action roles.

    Args:
        file (AnnotationFile): The annotation file; labels are indices into
            its lists.
    """
    person = np.array(
        [normalize_name(name) == 'person' for name in file.objects], bool
    )
    persons = np.flatnonzero(person[file.box_labels])
    persons = persons[np.argsort(file.box_images[persons], kind='stable')]
    position = np.full(len(file.bboxes) + 1, -1)
    position[persons] = np.arange(len(persons))
    owners = position[file.human_inds]  # -1, no human, indexes the last entry
    roles = np.flatnonzero((owners >= 0) & ~file.invisible)
    nothing = np.full((1, 4), np.nan, dtype=np.float32)
    truth = VCOCOTruth(
        file.box_images[persons],
        file.bboxes[persons],
        file.hoi_labelled[persons],
        # An unknown size becomes infinite, which clips no box.
        file.sizes[file.box_images[persons]],
        owners[roles],
        file.pair_verbs[roles],
        np.concatenate([file.bboxes, nothing])[file.object_inds[roles]],
    )
    return truth, VCOCOActions.from_verbs(file.verbs)
