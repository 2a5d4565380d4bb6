"""Image-level evaluation of pseudo-labels, without boxes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ImageLevelResult:
    """Counts over images and AP of each class.

    Attributes:
        num_images (int): Images.
        num_true (np.ndarray): Images that show a class, (C,) int.
        num_predicted (np.ndarray): Images with a prediction of it, (C,) int.
        num_correct (np.ndarray): Images where both hold, (C,) int.
        ap (np.ndarray): Average precision in [0, 1], (C,); NaN for classes
            that no image shows.
    """

    num_images: int
    num_true: np.ndarray
    num_predicted: np.ndarray
    num_correct: np.ndarray
    ap: np.ndarray

    def summary(self, classes: slice = slice(None)) -> dict:
        """Compute precision, recall and mAP in percent.

        Args:
            classes (slice | np.ndarray): Which. Defaults to all.

        Returns:
            dict: ``true``, ``predicted`` and ``correct`` (image, class)
            pairs;
            ``precision`` and ``recall`` over all these pairs at once, and
            ``mAP``, the mean over the classes that occur; None where there
            is nothing to divide by.
        """
        true, predicted, correct = (
            int(counts[classes].sum())
            for counts in (self.num_true, self.num_predicted, self.num_correct)
        )
        aps = self.ap[classes]
        aps = aps[~np.isnan(aps)]
        return dict(
            true=true,
            predicted=predicted,
            correct=correct,
            precision=100 * correct / predicted if predicted else None,
            recall=100 * correct / true if true else None,
            mAP=100 * float(aps.mean()) if len(aps) else None,
        )


def evaluate_image_level(
    pred_images: np.ndarray,
    pred_labels: np.ndarray,
    scores: np.ndarray,
    true_images: np.ndarray,
    true_labels: np.ndarray,
    num_images: int,
    num_classes: int,
) -> ImageLevelResult:
    """Evaluate image-level predictions against ground truth.

    AP of a class ranks all images by its predicted score: the sum
    over distinct scores, from the highest, of the rise in recall times the
    precision so far. Equal scores are one step, whatever their order; images
    without a prediction of the class come last, all in one step.

    Args:
        pred_images (np.ndarray): Image of each prediction, (N,) int.
        pred_labels (np.ndarray): Its class, (N,) int.
        scores (np.ndarray): Its score in [0, 1], (N,). Of a class that is
            predicted twice for an image the higher one counts.
        true_images (np.ndarray): Image of each true label, (M,) int.
        true_labels (np.ndarray): Its class, (M,) int.
        num_images (int): Images.
        num_classes (int): C.

    Returns:
        ImageLevelResult: The comparison.
    """
    true = np.unique(np.int64(true_labels) * num_images + true_images)
    pairs = np.int64(pred_labels) * num_images + pred_images
    order = np.lexsort((-scores, pairs))
    pairs, first = np.unique(pairs[order], return_index=True)
    scores = scores[order][first]
    order = np.lexsort((-scores, pairs // num_images))
    pairs, scores = pairs[order], scores[order]
    labels, hits = pairs // num_images, np.isin(pairs, true)

    num_true, num_predicted = (
        np.bincount(x // num_images, minlength=num_classes)
        for x in (true, pairs)
    )
    num_correct = np.bincount(labels[hits], minlength=num_classes)
    # Last prediction of each step.
    ends = np.flatnonzero(
        np.append(
            (labels[1:] != labels[:-1]) | (scores[1:] != scores[:-1]),
            [True] * bool(len(labels)),
        )
    )
    labels, right = labels[ends], hits.cumsum()[ends]
    starts = np.concatenate([[0], num_predicted.cumsum()])[labels]
    before = np.concatenate([[0], num_correct.cumsum()])[labels]
    precision = (right - before) / (ends + 1 - starts)
    rise = np.diff(right, prepend=0)
    area = np.bincount(labels, rise * precision, num_classes)
    last = (num_true - num_correct) * num_true / max(num_images, 1)
    ap = np.divide(
        area + last,
        num_true,
        out=np.full(num_classes, np.nan),
        where=num_true > 0,
    )
    return ImageLevelResult(
        num_images, num_true, num_predicted, num_correct, ap
    )
