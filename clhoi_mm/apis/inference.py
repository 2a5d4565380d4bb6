"""Result of inference on an image."""

import json
from dataclasses import dataclass
from typing import Optional, Sequence

import cv2
import numpy as np

from clhoi_mm.evaluation.metrics.dump_hoi_results import json_values
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.utils.files import atomic_path
from clhoi_mm.vocabulary import HOIVocabulary

from .image_input import ImageInput


@dataclass
class Inference:
    """Prediction for an image, or an error.

    Attributes:
        source (str): Path of the image or video, or number of the array.
        prediction (dict, optional): See :func:`to_dict`; None if the image
            could not be read.
        vocabulary (HOIVocabulary, optional): Vocabulary of its labels.
        data_sample (HOIDataSample, optional): The same as tensors.
        picture (np.ndarray, optional): Visualization, RGB, (H, W, 3) uint8.
        error (str, optional): Reason that the image could not be read.
    """

    source: str
    prediction: Optional[dict] = None
    vocabulary: Optional[HOIVocabulary] = None
    data_sample: Optional[HOIDataSample] = None
    picture: Optional[np.ndarray] = None
    error: Optional[str] = None


def choose_rows(
    sample: HOIDataSample,
    score_thr: float = 0.0,
    top_k: Optional[int] = None,
    wanted: Optional[np.ndarray] = None,
) -> HOIDataSample:
    """Filter a sample's predictions, keeping their order.

    Args:
        sample (HOIDataSample): Sample whose ``pred_hois`` are replaced.
        score_thr (float): Minimum score. Defaults to 0.
        top_k (int, optional): Maximum number. Defaults to None: all.
        wanted (np.ndarray, optional): Verbs and objects to keep, see
            :func:`find_classes`. Defaults to None: all.

    Returns:
        HOIDataSample: The sample, on the CPU.
    """
    sample = sample.cpu()
    hois = sample.pred_hois
    keep = hois.scores >= score_thr
    if wanted is not None:
        # -1, no object, indexes the last column.
        keep &= hois.scores.new_tensor(
            wanted[hois.verb_labels.numpy(), hois.object_labels.numpy()]
        ).bool()
    sample.pred_hois = hois[keep][:top_k]
    return sample


def to_dict(
    sample: HOIDataSample,
    image: ImageInput,
    vocabulary: HOIVocabulary,
    texts: Optional[Sequence[str]] = None,
) -> dict:
    """Convert a sample to JSON-compatible values.

    Args:
        sample (HOIDataSample): Sample with ``pred_hois``.
        image (ImageInput): The input.
        vocabulary (HOIVocabulary): Vocabulary of the labels.
        texts (Sequence[str], optional): Names of classes. Defaults to None:
            names such as 'ride bicycle'.

    Returns:
        dict: ``img_path`` (for arrays their number), ``width``, ``height``;
        for video frames ``frame`` and ``time`` in seconds and, if tracked,
        ``tracks``: ``ids`` (numbers within classes), ``labels``, ``objects``,
        ``bboxes`` and ``scores`` of the instances; and ``hois``: the
        interactions, the best first, with the fields of ``tools/test.py
        --out`` and ``verbs``, ``objects`` (None without one) and ``texts``.
    """
    hois = sample.pred_hois
    columns = {
        name: json_values(values.numpy())
        for name, values in sorted(hois.items())
        if name != 'attention'
    }
    texts = vocabulary.names if texts is None else texts
    verbs = [vocabulary.verbs[v] for v in columns['verb_labels']]
    columns['verbs'] = verbs
    columns['objects'] = [
        vocabulary.objects[o] if o >= 0 else None
        for o in columns['object_labels']
    ]
    columns['texts'] = [
        texts[h] if h >= 0 else verb.replace('_', ' ')
        for h, verb in zip(columns['hoi_labels'], verbs)
    ]
    height, width = sample.ori_shape[:2]
    result = dict(img_path=image.source, width=width, height=height)
    if image.frame is not None:
        result.update(frame=image.frame, time=image.time)
    if 'tracks' in sample:
        tracks = {
            name: json_values(values.numpy())
            for name, values in sorted(sample.tracks.items())
        }
        tracks['objects'] = [vocabulary.objects[i] for i in tracks['labels']]
        result['tracks'] = tracks
    return dict(result, hois=columns)


def write_json(path: str, prediction: dict) -> None:
    """Write a prediction atomically."""
    with atomic_path(path) as temp, open(temp, 'w', encoding='utf-8') as file:
        json.dump(prediction, file)
        file.write('\n')


def write_picture(path: str, picture: np.ndarray) -> None:
    """Write an RGB picture as JPEG, atomically."""
    is_encoded, data = cv2.imencode('.jpg', picture[..., ::-1])
    if not is_encoded:
        raise ValueError(
            f'{path}: a picture of {picture.shape[1]} x '
            f'{picture.shape[0]} pixels cannot be a JPEG'
        )
    with atomic_path(path) as temp:
        temp.write_bytes(data.tobytes())
