"""Converter of V-COCO's files."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Union

from clhoi_mm.vocabulary import HOIVocabulary

from ..annotation_builder import AnnotationBuilder
from ..text_file import PathLike, read_json
from .v_coco_official import add_official
from .v_coco_pairs import add_pairs


@dataclass
class VCOCOReport:
    """Summary of a written annotation file.

    Attributes:
        path (Path): The file written.
        source (str): Kind of the source files.
        complete (bool): Whether it has all 29 action roles, missing roles and
            persons without pairs.
        images (int): Number of images.
        boxes (int): Number of annotations.
        persons (int): Persons labeled for interactions.
        unlabeled (int): Persons not labeled for interactions.
        rows (int): (person, action role) rows.
        pairs (int): Rows with an object.
        verbs (int): Action roles that occur.
        sizes_from (str): Source of widths and heights.
        missing (List[str]): Images that were left out.
    """

    path: Path
    source: str
    complete: bool
    images: int
    boxes: int
    persons: int
    unlabeled: int
    rows: int
    pairs: int
    verbs: int
    sizes_from: str
    missing: List[str]


def convert_v_coco(
    sources: Sequence[PathLike],
    out: Union[str, os.PathLike],
    coco: Sequence[PathLike] = (),
    ids: Optional[PathLike] = None,
    images: Optional[PathLike] = None,
    progress: bool = False,
    skip_missing: bool = False,
) -> VCOCOReport:
    """Write one annotation file, images sorted by id.

    Args:
        sources (Sequence[str | PathLike]): The official
            ``vcoco_{train,val,trainval,test}.json``, or fredzzhang's
            ``instances_vcoco_*.json``; several of one kind are joined.
        out (str | PathLike): The JSON file.
        coco (Sequence[str | PathLike]): COCO's instances files. The official
            files need them for all boxes; the others take sizes from them.
        ids (str | PathLike, optional): List of image ids, one per line, such
            as V-COCO's ``splits/*.ids``; other images are left out, and images
            without labels are added from official files.
        images (str | PathLike, optional): Folder with ``train2014/`` and
            ``val2014/``, for sizes if no COCO file is given.
        progress (bool): Whether to show a progress bar.
        skip_missing (bool): Whether to leave out, and report, images that
            ``images`` lacks. With ``instances_vcoco_*.json`` only.

    Returns:
        VCOCOReport: Summary of the conversion.

    Raises:
        ValueError: If a source is inconsistent or contradicts COCO; the
            message names the record.
    """
    contents = [read_json(path) for path in sources]
    official = [_is_official(path, c) for path, c in zip(sources, contents)]
    if len(set(official)) != 1:
        raise ValueError(
            'official files and instances_vcoco_*.json do not '
            'mix; give files of one kind.'
        )
    vocabulary = HOIVocabulary.load('v_coco')
    if skip_missing and (official[0] or images is None):
        raise ValueError(
            '--skip-missing goes with instances_vcoco_*.json and --images; '
            'for official files list the images with --ids.'
        )
    if official[0]:
        if not coco:
            raise ValueError(
                f"{sources[0]}: V-COCO's own files hold no boxes. Give "
                "COCO's with --coco instances_train2014.json "
                'instances_val2014.json (annotations_trainval2014.zip of '
                'cocodataset.org).'
            )
        source, sizes_from = "V-COCO's own files and COCO's", 'COCO'
    else:
        source = "fredzzhang's instances_vcoco JSON"
        sizes_from = (
            'COCO'
            if coco
            else 'the images'
            if images
            else 'the extent of the boxes'
        )
    builder = AnnotationBuilder(
        vocabulary,
        dict(
            description='V-COCO',
            source=source,
            boxes='zero-based continuous, as COCO has them',
            sizes=f'from {sizes_from}',
        ),
        with_classes=False,
    )
    missing: List[str] = []
    if official[0]:
        add_official(
            builder, list(zip(sources, contents)), coco, ids, progress
        )
    else:
        missing = add_pairs(
            builder,
            list(zip(sources, contents)),
            coco,
            images,
            progress,
            ids,
            skip_missing,
        )
    builder.save(out)
    return _report(
        Path(out), builder, source, official[0], sizes_from, missing
    )


def _is_official(path: PathLike, content: object) -> bool:
    if (
        isinstance(content, list)
        and content
        and all(isinstance(x, dict) and 'action_name' in x for x in content)
    ):
        return True
    if isinstance(content, dict) and all(
        isinstance(content.get(key), list)
        for key in ('annotations', 'images', 'classes', 'objects')
    ):
        return False
    raise ValueError(
        f'{path}: none of the known files: vcoco_*.json (a list of actions) '
        'and instances_vcoco_*.json (annotations, images, classes, objects).'
    )


def _report(
    path: Path,
    builder: AnnotationBuilder,
    source: str,
    complete: bool,
    sizes_from: str,
    missing: List[str],
) -> VCOCOReport:
    persons: List[dict] = [
        ann
        for ann in builder.annotations
        if ann['category_id'] == builder.vocabulary.person_label + 1
    ]
    unlabeled = sum(not ann.get('hoi_labelled', True) for ann in persons)
    return VCOCOReport(
        path=path,
        source=source,
        complete=complete,
        images=len(builder.images),
        boxes=len(builder.annotations),
        persons=len(persons) - unlabeled,
        unlabeled=unlabeled,
        rows=len(builder.hois),
        pairs=sum(hoi['object_ann_id'] is not None for hoi in builder.hois),
        verbs=len({hoi['verb_id'] for hoi in builder.hois}),
        sizes_from=sizes_from,
        missing=missing,
    )
