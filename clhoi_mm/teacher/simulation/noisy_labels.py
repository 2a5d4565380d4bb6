"""Cache of noisy image-level labels without sentences."""

import os
from typing import Any, Dict, Optional, Union

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


def write_noisy_labels(
    ann_file: Union[str, os.PathLike],
    vocabulary: Union[str, HOIVocabulary],
    out_dir: Union[str, os.PathLike],
    noise: Union[RandomLabelNoise, LatentLabelNoise],
    text_encoder: Optional[Dict[str, Any]] = None,
    progress: bool = False,
) -> SimulationReport:
    """Write the training layer of a teacher's cache.

    All scores are 1, since they carry no information. ``RandomLabelNoise``
    treats ``no_interaction`` classes like others, ``LatentLabelNoise`` does
    not name them. There are no captions: the manifest counts 0 sentences,
    and the context distillation has no targets.

    Args:
        ann_file (str | PathLike): Annotation file in the project's format.
        vocabulary (str | HOIVocabulary): Name, path or vocabulary.
        out_dir (str | PathLike): Gets the training layer.
        noise (RandomLabelNoise | LatentLabelNoise): Noise of the labels.
        text_encoder (dict, optional): Config of the text encoder. Defaults
            to None, a ``HashedTextEncoder`` of 256 dimensions.
        progress (bool): Whether to show progress bars. Defaults to False.

    Returns:
        SimulationReport: What was written, measured.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no such file.
    """
    vocabulary = HOIVocabulary.load(vocabulary)
    encoder = build_text_encoder(
        text_encoder or dict(type='HashedTextEncoder')
    )
    labels = read_image_labels(
        ann_file, vocabulary, noise.names_no_interaction
    )
    images, hois = noise.draw(labels, vocabulary)
    pseudo_labels = [PseudoLabels(image.key) for image in labels]
    scores = np.zeros((len(labels), vocabulary.num_hois), np.float32)
    for image, hoi in zip(images, hois):
        verb, obj = vocabulary.hoi_verbs[hoi], vocabulary.hoi_objects[hoi]
        pseudo_labels[image].interactions.append(
            Interaction(vocabulary.verbs[verb], vocabulary.objects[obj], 1.0)
        )
    scores[images, hois] = 1
    pack_cache(pseudo_labels, out_dir, vocabulary, encoder, progress)
    return report(labels, scores, [False] * len(labels), vocabulary)
