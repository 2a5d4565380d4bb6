"""Reader of V-COCO's pairs of github.com/fredzzhang/vcoco."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from tqdm import tqdm

from ..annotation_builder import AnnotationBuilder
from ..coco_file import COCOFile, relative_name
from ..image_sizes import extent, read_image_sizes
from ..text_file import PathLike
from .v_coco_official import read_ids

_LISTS = ('boxes_h', 'boxes_o', 'actions', 'objects')
Record = Tuple[str, int, dict]  # where, image id, annotation


def add_pairs(
    builder: AnnotationBuilder,
    files: Sequence[Tuple[PathLike, dict]],
    coco_paths: Sequence[PathLike] = (),
    images: Optional[PathLike] = None,
    progress: bool = False,
    ids: Optional[PathLike] = None,
    skip_missing: bool = False,
) -> List[str]:
    """Fill an annotation file from ``instances_vcoco_*.json``.

    The files have the pairs of 24 action roles, without persons without a
    pair, actions without an object, and missing roles. Boxes are continuous
    and zero-based, COCO's x, y, x + w, y + h.

    Args:
        builder (AnnotationBuilder): Builder with the vocabulary 'v_coco'.
        files (Sequence[Tuple]): Path and content of each file.
        coco_paths (Sequence[str | PathLike]): COCO's instances files, for
            the images' sizes.
        images (str | PathLike, optional): Folder of the images, for sizes.
        progress (bool): Whether to show a progress bar.
        ids (str | PathLike, optional): File of image ids, one per line; others
            are left out.
        skip_missing (bool): Whether to leave out images that are not in
            ``images``.

    Returns:
        List[str]: Names of images that are missing and left out.

    Raises:
        ValueError: If a record is inconsistent, or no image is left.
    """
    records: Dict[int, Tuple[Record, List[int], List[int]]] = {}
    for path, content in files:
        verbs, labels = _names(builder, path, content)
        if len(content['images']) != len(content['annotations']):
            raise ValueError(
                f'{path}: {len(content["images"])} images and '
                f'{len(content["annotations"])} annotations.'
            )
        for i, (image_id, ann) in enumerate(
            zip(content['images'], content['annotations'])
        ):
            where = f'{path}, record {i} (image {image_id})'
            if image_id in records:
                raise ValueError(f'{where}: the image occurs twice.')
            _check(where, ann, len(verbs), len(labels))
            records[image_id] = (where, image_id, ann), verbs, labels
    wanted = set(records) if ids is None else read_ids(ids)
    if not wanted <= set(records):
        raise ValueError(
            f'{ids}: {len(wanted - set(records))} of {len(wanted)} ids are '
            f'not in {", ".join(str(path) for path, _ in files)}, the first '
            f'is {min(wanted - set(records))}.'
        )
    ordered = [records[image_id] for image_id in sorted(wanted)]
    missing = []
    if skip_missing:
        ordered, missing = _split_missing(ordered, images)
    sizes = _sizes(
        [record for record, *_ in ordered], coco_paths, images, progress
    )
    for (record, verbs, labels), size in zip(
        tqdm(ordered, 'images', disable=not progress), sizes
    ):
        _add_image(builder, record, verbs, labels, size)
    return missing


def _split_missing(
    ordered: List[tuple], images: PathLike
) -> Tuple[List[tuple], List[str]]:
    """Separate records whose image exists from names of missing images."""
    kept, missing = [], []
    for entry in ordered:
        name = relative_name(entry[0][2]['file_name'])
        if Path(images, name).is_file():
            kept.append(entry)
        else:
            missing.append(name)
    if not kept:
        raise ValueError(
            f'{Path(images, missing[0])}: no such image, as none of '
            f'{len(missing)}; name the folder that holds '
            f'{Path(missing[0]).parent}/.'
        )
    return kept, missing


def _names(
    builder: AnnotationBuilder, path: PathLike, content: dict
) -> Tuple[List[int], List[int]]:
    """Map the file's verbs and objects to labels.

    Index 0 is the background.
    """
    vocab = builder.vocabulary
    verbs = [vocab.verb_label(name) for name in content['classes']]
    labels = [vocab.object_label(name) for name in content['objects']]
    for names, labels_found in (
        (content['classes'], verbs),
        (content['objects'][1:], labels[1:]),
    ):
        if min(labels_found, default=-1) < 0:
            raise ValueError(
                f'{path}: {names[labels_found.index(min(labels_found))]!r} '
                'is not in the vocabulary of V-COCO.'
            )
    return verbs, labels


def _check(where: str, ann: Any, num_verbs: int, num_labels: int) -> None:
    try:
        lengths = {key: len(ann[key]) for key in _LISTS}
        ann['file_name']
    except (KeyError, TypeError) as error:
        raise ValueError(
            f'{where}: a field is missing or of another type ({error!r}).'
        ) from error
    if len(set(lengths.values())) > 1:
        raise ValueError(f'{where}: lists of lengths {lengths}.')
    for j in range(lengths['actions']):
        boxes = (*ann['boxes_h'][j], *ann['boxes_o'][j])
        if len(boxes) != 8 or not np.isfinite(boxes).all():
            raise ValueError(f'{where}, pair {j}: a box is not four numbers.')
        if any(boxes[k] > boxes[k + 2] for k in (0, 1, 4, 5)):
            raise ValueError(
                f'{where}, pair {j}: a box ends before it begins.'
            )
        if not 0 <= ann['actions'][j] < num_verbs:
            raise ValueError(
                f'{where}, pair {j}: action '
                f'{ann["actions"][j]} is none of {num_verbs}.'
            )
        if not 0 < ann['objects'][j] < num_labels:
            raise ValueError(
                f'{where}, pair {j}: object {ann["objects"][j]} '
                f'is none of {num_labels - 1}.'
            )


def _sizes(
    records: List[Record],
    coco_paths: Sequence[PathLike],
    images: Optional[PathLike],
    progress: bool,
) -> List[Tuple[int, int]]:
    if coco_paths:
        coco = COCOFile(coco_paths, [image_id for _, image_id, _ in records])
        for where, image_id, _ in records:
            if image_id not in coco.images:
                raise ValueError(
                    f'{where}: not in {", ".join(map(str, coco_paths))}.'
                )
        coco.require_sizes()
        return [
            (coco.images[i]['width'], coco.images[i]['height'])
            for _, i, _ in records
        ]
    if images is not None:
        names = [relative_name(ann['file_name']) for *_, ann in records]
        return read_image_sizes(images, names, progress)
    return [
        extent(np.array(ann['boxes_h'] + ann['boxes_o'], float).reshape(-1, 4))
        for *_, ann in records
    ]


def _add_image(
    builder: AnnotationBuilder,
    record: Record,
    verbs: List[int],
    labels: List[int],
    size: Tuple[int, int],
) -> None:
    _, image_id, ann = record
    builder.add_image(image_id, relative_name(ann['file_name']), size)
    person = builder.vocabulary.person_label
    for human, obj, action, label in zip(*(ann[key] for key in _LISTS)):
        builder.add_hoi(
            builder.add_box(person, human),
            builder.add_box(labels[label], obj),
            verbs[action],
        )
