from typing import Optional, Sequence

from mmdet.datasets import CocoDataset

from .names import State, take

# Of COCO's 90 category ids 80 are in use; mmdet's labels follow their order.
UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_IDS = [i for i in range(1, 91) if i not in UNUSED]


def pick_classes(
    count: int, names: Optional[Sequence[str]] = None
) -> tuple[list[int], list[str]]:
    """Select the rows of a head for mmdet's labels.

    Detectors that were trained with COCO's ids as labels have a row for id 0
    and for unused ids; mmdet has neither.

    Args:
        count (int): Number of class rows.
        names (Sequence[str], optional): Names of the rows in the source.

    Returns:
        tuple[list[int], list[str]]: The row of each label, and its name.

    Raises:
        ValueError: If the classes are unknown.
    """
    coco = list(CocoDataset.METAINFO['classes'])
    if names is None and count == 91:
        return COCO_IDS, coco
    if names is None:
        raise ValueError(
            f'the {count} classes have no names: they are not '
            "COCO's; put the source's config.json, whose "
            'id2label names them, beside its weights'
        )
    if len(names) != count:
        raise ValueError(
            f'config.json names {len(names)} classes, but the '
            f'weights have {count}; they are not of one model'
        )
    # Facebook's config also has names for ids that COCO does not use.
    if count == 91 and [names[i] for i in COCO_IDS] == coco:
        return COCO_IDS, coco
    rows = [i for i, name in enumerate(names) if name != 'N/A']
    return rows, [names[i] for i in rows]


def select_class_rows(
    state: State, config: dict, source: str, with_background: bool = False
) -> list[str]:
    """Select the rows of ``bbox_head.fc_cls`` for mmdet's labels.

    Args:
        state (dict[str, Tensor]): mmdet's tensors, changed in place.
        config (dict): Hugging Face's config, which may name the classes.
        source (str): Name of the expected model, for error messages.
        with_background (bool): Whether the last row is the background's and
            is kept. Defaults to False.

    Returns:
        list[str]: Names of the classes.
    """
    weight, bias = (
        take(state, f'bbox_head.fc_cls.{end}', source)
        for end in ('weight', 'bias')
    )
    count = len(bias) - with_background
    rows, classes = pick_classes(count, names_of(config))
    rows = [*rows, count] if with_background else rows
    state['bbox_head.fc_cls.weight'] = weight[rows]
    state['bbox_head.fc_cls.bias'] = bias[rows]
    return classes


def names_of(config: dict) -> Optional[list[str]]:
    """Read the class names in Hugging Face's config, by row."""
    labels = config.get('id2label')
    if not labels:
        return None
    return [labels[key] for key in sorted(labels, key=int)]
