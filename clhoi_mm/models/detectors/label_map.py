from typing import Optional, Sequence, Union

import torch
from mmdet.datasets import CocoDataset
from torch import Tensor

from clhoi_mm.vocabulary import HOIVocabulary, normalize_name


def stated_classes(meta: dict) -> Optional[Sequence[str]]:
    """Read class names from a checkpoint's meta data.

    Args:
        meta (dict): As mmdet 3.x, mmdet 2.x or this package writes it.
    """
    return meta.get('dataset_meta', {}).get(
        'classes', meta.get('classes', meta.get('CLASSES'))
    )


def map_detector_labels(
    classes: Union[str, Sequence[str]], vocabulary: HOIVocabulary
) -> Tensor:
    """Map a detector's labels to the vocabulary's by name.

    Args:
        classes (str or Sequence[str]): The detector's class names, or 'coco'.
        vocabulary (HOIVocabulary): Its objects are looked up.

    Returns:
        Tensor: Label of the vocabulary for each class, -1 for a class that
        it lacks, (K,).

    Raises:
        ValueError: If no class has the name of one of the objects.
    """
    if classes == 'coco':
        classes = CocoDataset.METAINFO['classes']
    names = {
        normalize_name(name): i for i, name in enumerate(vocabulary.objects)
    }
    labels = [names.get(normalize_name(name), -1) for name in classes]
    unmapped = [
        name for i, name in enumerate(vocabulary.objects) if i not in labels
    ]
    if unmapped:
        raise ValueError(
            f'the detector has no class for {", ".join(unmapped)} of the '
            f'vocabulary "{vocabulary.name}"; use a detector trained on these '
            'classes, or give model.detector.classes in its own spelling'
        )
    return torch.tensor(labels)
