import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
from tqdm import tqdm

from clhoi_mm.vocabulary import HOIVocabulary

from ..parsing.parse_answer import parse_answer
from ..store.pack import pack_cache
from ..store.raw_answers import write_raw_answers
from ..text_encoders import build_text_encoder
from .image_labels import ImageLabels, label_mask, read_image_labels
from .image_level import evaluate_image_level
from .simulated import SimulatedTeacher
from .simulated_pointing import SimulatedPointing

RAW_ANSWERS = 'raw.jsonl'


@dataclass(frozen=True)
class SimulationReport:
    """Quality of a simulated teacher's answers, as parsed.

    Attributes:
        images (int): Number of images.
        precision (float): Over (image, HOI class) pairs.
        recall (float): Over (image, HOI class) pairs.
        ap (float): Average precision of the scores over all (image, HOI
            class) pairs in one ranking; those not mentioned rank last.
        mean_ap (float): The same class by class, the mean over the classes
            that occur.
        malformed (float): Share of the structured answers.
        frequent (List[Tuple[str, int]]): The classes mentioned most, with
            the number of images.
        labels (float): Labels per image.
        unlabeled (float): Share of the images without a label.
        other_verb (float): Share of the false labels whose object is in a
            true interaction of the image.
        unused_object (float): Share whose object is in the image, and in no
            interaction.
        absent_object (float): Share of the others.
        pointed (Dict[str, int], optional): Pointed pairs by outcome, see
            :class:`SimulatedPointing`. Defaults to None: the teacher does
            not point.
    """

    images: int
    precision: float
    recall: float
    ap: float
    mean_ap: float
    malformed: float
    frequent: List[Tuple[str, int]]
    labels: float
    unlabeled: float
    other_verb: float
    unused_object: float
    absent_object: float
    pointed: Optional[Dict[str, int]] = None

    def pointing_lines(self) -> List[str]:
        """Format the pointed pairs, nothing where there are none."""
        if not self.pointed:
            return []
        right, wrong, false = self.pointed.values()
        share = right / max(right + wrong, 1)
        return [
            f'pointing       {share:.3f}  of {right + wrong} pairs of true '
            f'labels are right; {false} pairs of false labels'
        ]


def simulate_cache(
    ann_file: Union[str, os.PathLike],
    vocabulary: Union[str, HOIVocabulary],
    out_dir: Union[str, os.PathLike],
    preset: str = 'typical',
    seed: int = 0,
    text_encoder: Union[str, Dict[str, Any]] = 'hashed',
    progress: bool = False,
    teacher: int = 0,
    shared_errors: Optional[float] = None,
    pointing_accuracy: Optional[float] = None,
) -> SimulationReport:
    """Write a simulated teacher's raw answers and cache.

    Args:
        ann_file (str | PathLike): Annotation file in the project's format.
        vocabulary (str | HOIVocabulary): Name, path or vocabulary.
        out_dir (str | PathLike): Gets ``raw.jsonl`` and the training layer.
        preset (str): Noise preset. Defaults to 'typical'.
        seed (int): Seed of all teachers. Defaults to 0.
        text_encoder (str | dict): See :func:`build_text_encoder`. Defaults to
            'hashed'.
        progress (bool): Whether to show progress bars. Defaults to False.
        teacher (int): Number of the teacher, from 0. Defaults to 0.
        shared_errors (float, optional): Share of the random draws that all
            teachers of the seed have in common. Defaults to None: as
            measured for a preset with measured errors, else 0.
        pointing_accuracy (float, optional): Share of the interacting pairs
            that the teacher points at, see :class:`SimulatedPointing`.
            Defaults to None: it does not point.

    Returns:
        SimulationReport: What was written, measured.
    """
    vocabulary = HOIVocabulary.load(vocabulary)
    encoder = build_text_encoder(text_encoder)
    images = read_image_labels(ann_file, vocabulary)
    simulated = SimulatedTeacher(
        images, vocabulary, preset, seed, teacher, shared_errors
    )
    bar = tqdm(simulated, 'answers', len(images), disable=not progress)
    answers = list(bar)
    write_raw_answers(Path(out_dir) / RAW_ANSWERS, answers)
    pseudo_labels = [parse_answer(answer) for answer in answers]
    pointing = None
    if pointing_accuracy is not None:
        pointing = SimulatedPointing(
            ann_file, vocabulary, pointing_accuracy, seed, teacher
        )
        for labels in pseudo_labels:
            pointing.add(labels)
    pack_cache(pseudo_labels, out_dir, vocabulary, encoder, progress)
    scores = np.zeros((len(images), vocabulary.num_hois), np.float32)
    for row, labels in zip(scores, pseudo_labels):
        for item in labels.interactions:
            hoi = vocabulary.hoi_id(
                vocabulary.verb_label(item.verb),
                vocabulary.object_label(item.object),
            )
            row[hoi] = item.score
    malformed = [x.malformed for x in pseudo_labels]
    return replace(
        report(images, scores, malformed, vocabulary),
        pointed=pointing and pointing.counts,
    )


def report(
    images: List[ImageLabels],
    scores: np.ndarray,
    malformed: List[bool],
    vocabulary: HOIVocabulary,
) -> SimulationReport:
    """Measure image-level scores against the truth.

    Args:
        images (List[ImageLabels]): The truth.
        scores (np.ndarray): (N, C) score of each class, 0 if not mentioned.
        malformed (List[bool]): One for each image.
        vocabulary (HOIVocabulary): The vocabulary.

    Returns:
        SimulationReport: The measures.
    """
    truth = label_mask([image.hois for image in images], scores.shape[1])
    pred, true = np.nonzero(scores), np.nonzero(truth)
    (pred_rows, pred_hois), (true_rows, true_hois) = pred, true
    result = evaluate_image_level(
        pred_rows,
        pred_hois,
        scores[pred],
        true_rows,
        true_hois,
        *scores.shape,
    )
    one = evaluate_image_level(
        np.ravel_multi_index(pred, scores.shape),
        np.zeros_like(pred[0]),
        scores[pred],
        np.ravel_multi_index(true, scores.shape),
        np.zeros_like(true[0]),
        scores.size,
        1,
    )
    top = np.argsort(-result.num_predicted, kind='stable')[:10]
    hits = int(result.num_correct.sum())
    return SimulationReport(
        images=len(images),
        precision=hits / max(len(pred[0]), 1),
        recall=hits / max(len(true[0]), 1),
        ap=float(np.nan_to_num(one.ap[0])),
        mean_ap=(result.summary()['mAP'] or 0.0) / 100,
        malformed=float(np.mean(malformed)) if malformed else 0.0,
        frequent=[
            (vocabulary.names[hoi], int(result.num_predicted[hoi]))
            for hoi in top
            if result.num_predicted[hoi]
        ],
        labels=len(pred[0]) / max(len(images), 1),
        unlabeled=float(1 - (scores > 0).any(1).mean()) if images else 0.0,
        **_kinds_of_errors(images, (scores > 0) & ~truth, vocabulary),
    )


def _kinds_of_errors(
    images: List[ImageLabels], false: np.ndarray, vocabulary: HOIVocabulary
) -> Dict[str, float]:
    """Compute the share of each kind among false labels, (N, C) bool."""
    objects = vocabulary.hoi_objects
    rows, hois = np.nonzero(false)
    true_objects = [objects[list(image.hois)] for image in images]
    used, present = (
        label_mask(each, vocabulary.num_objects)[rows, objects[hois]]
        for each in (true_objects, [image.objects for image in images])
    )
    total = max(len(rows), 1)
    return dict(
        other_verb=int(used.sum()) / total,
        unused_object=int((present & ~used).sum()) / total,
        absent_object=int((~present & ~used).sum()) / total,
    )
