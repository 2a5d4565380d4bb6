"""Cache of noisy image-level labels without sentences."""

import os
from dataclasses import replace
from typing import Any, Dict, Optional, Sequence, Union

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from ..interaction import Interaction
from ..store.pack import pack_cache
from ..store.pseudo_labels import PseudoLabels
from ..text_encoders import build_text_encoder
from .image_labels import read_image_labels
from .latent_label_noise import LatentLabelNoise
from .random_label_noise import RandomLabelNoise
from .simulate import SimulationReport, report
from .simulated_pointing import SimulatedPointing

LabelNoise = Union[RandomLabelNoise, LatentLabelNoise]


def write_noisy_labels(
    ann_file: Union[str, os.PathLike],
    vocabulary: Union[str, HOIVocabulary],
    out_dir: Union[str, os.PathLike],
    teachers: Sequence[LabelNoise],
    text_encoder: Union[str, Dict[str, Any]] = 'hashed',
    progress: bool = False,
    min_teachers: int = 1,
    pointing: Optional[SimulatedPointing] = None,
) -> SimulationReport:
    """Write the training layer of a teacher's cache.

    A label's score is the share of the teachers that name it, 1 for a single
    teacher. ``RandomLabelNoise`` treats ``no_interaction`` classes like
    others, ``LatentLabelNoise`` does not name them. There are no captions:
    the manifest counts 0 sentences, and the context distillation has no
    targets.

    Args:
        ann_file (str | PathLike): Annotation file in the project's format.
        vocabulary (str | HOIVocabulary): Name, path or vocabulary.
        out_dir (str | PathLike): Gets the training layer.
        teachers (Sequence[RandomLabelNoise | LatentLabelNoise]): Noise of
            the labels of each teacher.
        text_encoder (str | dict): See :func:`build_text_encoder`. Defaults to
            'hashed'.
        progress (bool): Whether to show progress bars. Defaults to False.
        min_teachers (int): Labels that fewer teachers name are left out.
            Defaults to 1.
        pointing (SimulatedPointing, optional): Points at the pairs of the
            labels. Defaults to None: the teachers do not point.

    Returns:
        SimulationReport: What was written, measured.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no such file, or fewer teachers are given than have
            to agree.
    """
    vocabulary = HOIVocabulary.load(vocabulary)
    encoder = build_text_encoder(text_encoder)
    if not 1 <= min_teachers <= len(teachers):
        raise ValueError(
            f'{min_teachers} of {len(teachers)} teachers cannot agree; give a '
            'number from 1 to the number of teachers'
        )
    labels = read_image_labels(
        ann_file, vocabulary, teachers[0].names_no_interaction
    )
    drawn = np.concatenate(
        [np.stack(x.draw(labels, vocabulary), 1) for x in teachers]
    )
    counts = np.zeros((len(labels), vocabulary.num_hois), np.float32)
    np.add.at(counts, tuple(drawn.T), 1)
    scores = counts * (counts >= min_teachers) / len(teachers)
    pseudo_labels = [PseudoLabels(image.key) for image in labels]
    _, first = np.unique(drawn, axis=0, return_index=True)
    for image, hoi in drawn[np.sort(first)]:
        if scores[image, hoi]:
            pseudo_labels[image].interactions.append(
                Interaction(
                    vocabulary.verbs[vocabulary.hoi_verbs[hoi]],
                    vocabulary.objects[vocabulary.hoi_objects[hoi]],
                    float(scores[image, hoi]),
                )
            )
    if pointing is not None:
        for row in pseudo_labels:
            pointing.add(row)
    pack_cache(pseudo_labels, out_dir, vocabulary, encoder, progress)
    return replace(
        report(labels, scores, [False] * len(labels), vocabulary),
        pointed=pointing and pointing.counts,
    )
