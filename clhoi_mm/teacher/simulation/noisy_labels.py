"""A cache of noisy image-level labels: words without any sentence."""

import os
from typing import Any, Dict, Optional, Union

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from ..interaction import Interaction
from ..store.pack import pack_cache
from ..store.pseudo_labels import PseudoLabels
from ..text_encoders import build_text_encoder
from .image_labels import read_image_labels
from .random_label_noise import RandomLabelNoise
from .simulate import SimulationReport, report


def write_noisy_labels(
    ann_file: Union[str, os.PathLike],
    vocabulary: Union[str, HOIVocabulary],
    out_dir: Union[str, os.PathLike],
    noise: RandomLabelNoise,
    text_encoder: Optional[Dict[str, Any]] = None,
    progress: bool = False,
) -> SimulationReport:
    """Write the training layer of a teacher's cache.

    The teacher says every word with score 1, which the cache takes for
    certain: it does not know better. ``no_interaction`` classes are said
    like others. There are no captions: the manifest counts 0 sentences, and
    the context distillation finds nothing to learn from.

    Args:
        ann_file (str | PathLike): Annotation file in the project's format.
        vocabulary (str | HOIVocabulary): Name, path or vocabulary.
        out_dir (str | PathLike): Gets the training layer.
        noise (RandomLabelNoise): How wrong the words are.
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
    facts = read_image_labels(ann_file, vocabulary, no_interaction=True)
    images = np.repeat(
        np.arange(len(facts)), [len(image.hois) for image in facts]
    )
    hois = np.array([hoi for image in facts for hoi in image.hois], np.int64)
    images, objects, verbs = noise.say(
        images,
        vocabulary.hoi_objects[hois],
        vocabulary.hoi_verbs[hois],
        len(facts),
        vocabulary.valid.T,
    )
    words = [PseudoLabels(image.key) for image in facts]
    scores = np.zeros((len(facts), vocabulary.num_hois), np.float32)
    for image, obj, verb in zip(images, objects, verbs):
        words[image].interactions.append(
            Interaction(vocabulary.verbs[verb], vocabulary.objects[obj], 1.0)
        )
    scores[images, vocabulary.hoi_lookup[verbs, objects]] = 1
    pack_cache(words, out_dir, vocabulary, encoder, progress)
    return report(facts, scores, [False] * len(facts), vocabulary)
