import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
from tqdm import tqdm

from ..vocabulary import HOIVocabulary
from .image_facts import ImageFacts, read_image_facts
from .pack import pack_cache
from .parsing import parse_answer
from .raw_answers import read_raw_answers, write_raw_answers
from .simulated import SimulatedTeacher
from .text_encoders import build_text_encoder

RAW_ANSWERS = 'raw.jsonl'


@dataclass(frozen=True)
class SimulationReport:
    """What a simulated teacher's answers are worth, as parsed.

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
    """
    images: int
    precision: float
    recall: float
    ap: float
    mean_ap: float
    malformed: float
    frequent: List[Tuple[str, int]]


def simulate_cache(ann_file: Union[str, os.PathLike],
                   vocabulary: Union[str, HOIVocabulary],
                   out_dir: Union[str, os.PathLike],
                   preset: str = 'typical',
                   seed: int = 0,
                   text_encoder: Optional[Dict[str, Any]] = None,
                   progress: bool = False) -> SimulationReport:
    """Write a simulated teacher's raw answers and the cache packed from them.

    Args:
        ann_file (str | PathLike): Annotation file in the project's format.
        vocabulary (str | HOIVocabulary): Name, path or vocabulary.
        out_dir (str | PathLike): Gets ``raw.jsonl`` and the training layer.
        preset (str): Noise preset. Defaults to 'typical'.
        seed (int): Of all draws. Defaults to 0.
        text_encoder (dict, optional): Config of the text encoder. Defaults
            to None, a ``HashedTextEncoder`` of 256 dimensions.
        progress (bool): Whether to show progress bars. Defaults to False.

    Returns:
        SimulationReport: What was written, measured.
    """
    vocabulary = HOIVocabulary.load(vocabulary)
    encoder = build_text_encoder(
        text_encoder or dict(type='HashedTextEncoder'))
    images = read_image_facts(ann_file, vocabulary)
    teacher = SimulatedTeacher(images, vocabulary, preset, seed)
    raw_file = Path(out_dir) / RAW_ANSWERS
    write_raw_answers(
        raw_file, tqdm(teacher, 'answers', len(images), disable=not progress))
    words = [parse_answer(raw) for raw in read_raw_answers(raw_file)]
    pack_cache(words, out_dir, vocabulary, encoder, progress)
    scores = np.zeros((len(images), vocabulary.num_hois), np.float32)
    for row, image_words in zip(scores, words):
        for verb, obj, score in image_words.interactions:
            row[vocabulary.hoi_id(
                vocabulary.verb_label(verb),
                vocabulary.object_label(obj))] = score
    return report(images, scores, [x.malformed for x in words], vocabulary)


def report(images: List[ImageFacts], scores: np.ndarray, malformed: List[bool],
           vocabulary: HOIVocabulary) -> SimulationReport:
    """Measure image-level scores against the truth.

    Args:
        images (List[ImageFacts]): The truth.
        scores (np.ndarray): (N, C) score of each class, 0 if not mentioned.
        malformed (List[bool]): One for each image.
        vocabulary (HOIVocabulary): Gives names to classes.

    Returns:
        SimulationReport: The measures.
    """
    truth = np.zeros(scores.shape, bool)
    for row, image in zip(truth, images):
        row[list(image.hois)] = True
    said = scores > 0
    hits = int((said & truth).sum())
    times = said.sum(0)
    top = np.argsort(-times, kind='stable')[:10]
    return SimulationReport(
        images=len(images),
        precision=hits / max(int(said.sum()), 1),
        recall=hits / max(int(truth.sum()), 1),
        ap=_mean_ap(scores.reshape(-1, 1), truth.reshape(-1, 1)),
        mean_ap=_mean_ap(scores, truth),
        malformed=float(np.mean(malformed)) if malformed else 0.0,
        frequent=[(vocabulary.names[hoi], int(times[hoi])) for hoi in top
                  if times[hoi]])


def _mean_ap(scores: np.ndarray, truth: np.ndarray) -> float:
    """Mean AP over columns with a true entry; zero scores are one tie."""
    aps = []
    for score, true in zip(scores.T, truth.T):
        if not true.any():
            continue
        order = np.argsort(-score, kind='stable')
        said = score[order] > 0
        true = true[order]
        precision = true.cumsum() / np.arange(1, len(true) + 1)
        late = true[~said].sum() * true.mean()
        aps.append((precision[true & said].sum() + late) / true.sum())
    return float(np.mean(aps)) if aps else 0.0
