import os
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple, Union

import numpy as np

from clhoi_mm.annotations.annotation_file import AnnotationFile
from clhoi_mm.annotations.labeled_annotations import LabeledAnnotations
from clhoi_mm.vocabulary import HOIVocabulary


@dataclass(frozen=True)
class ImageLabels:
    """Image-level labels: sets without instances, boxes or counts.

    Attributes:
        key (str): The image's key.
        hois (Tuple[int, ...]): HOI classes that occur, sorted.
        objects (Tuple[int, ...]): Object classes that occur, sorted.
        scene (str, optional): The scene's name, where the file has one.
    """

    key: str
    hois: Tuple[int, ...]
    objects: Tuple[int, ...]
    scene: Optional[str] = None


def read_image_labels(
    ann_file: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    no_interaction: bool = False,
) -> List[ImageLabels]:
    """Reduce an annotation file to image-level labels.

    Interactions flagged invisible count, as in image-level labels; those
    without an object do not.

    Args:
        ann_file (str | PathLike): The annotation file.
        vocabulary (HOIVocabulary): The vocabulary.
        no_interaction (bool): Whether ``no_interaction`` classes count.
            Defaults to False, since no VLLM names them.

    Returns:
        List[ImageLabels]: One for each image, in the file's order.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no annotation file, or names something
            outside the vocabulary.
    """
    file = AnnotationFile.read(ann_file)
    labeled = LabeledAnnotations(file, vocabulary)
    is_no_interaction = vocabulary.no_interaction_mask
    images = []
    for i, (image, key) in enumerate(zip(file.images, file.keys)):
        hois = labeled.image_labels(i)
        objects = {
            *labeled.boxes(i)['labels'].tolist(),
            *vocabulary.hoi_objects[hois].tolist(),
        }
        images.append(
            ImageLabels(
                key=key,
                hois=tuple(
                    hois[no_interaction | ~is_no_interaction[hois]].tolist()
                ),
                objects=tuple(sorted(objects)),
                scene=image.get('scene'),
            )
        )
    return images


def label_mask(labels: Sequence[Sequence[int]], size: int) -> np.ndarray:
    """Turn lists of labels into a mask.

    Args:
        labels (Sequence[Sequence[int]]): Labels of each image.
        size (int): Number of labels.

    Returns:
        np.ndarray: (N, size) bool.
    """
    mask = np.zeros((len(labels), size), bool)
    rows = np.repeat(np.arange(len(labels)), [len(x) for x in labels])
    mask[rows, [label for each in labels for label in each]] = True
    return mask
