"""Converter of a COCO file and a table of pairs."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set, Tuple, Union

from clhoi_mm.utils.english import gerund
from clhoi_mm.utils.key_matching import match_keys
from clhoi_mm.vocabulary import HOIVocabulary, normalize_name

from ..annotation_builder import AnnotationBuilder
from ..box_checks import check_boxes
from ..coco_file import COCOFile
from ..pairs_table import FIELDS, PairRow, read_pairs
from ..text_file import PathLike
from ..values import Id

# Image and category of each annotation, by its id.
Places = Dict[Id, Tuple[Id, Id]]


@dataclass
class CustomReport:
    """Summary of a conversion.

    Attributes:
        path (Path): The annotation file.
        vocabulary (Path, optional): The vocabulary file, if one was made.
        images (int): Number of images.
        boxes (int): Number of annotations.
        pairs (int): Number of pairs.
        verbs (int): Number of verbs of the vocabulary.
        classes (int): Number of HOI classes of the vocabulary.
        notes (List[str]): Messages about what was left out or changed.
    """

    path: Path
    vocabulary: Optional[Path]
    images: int
    boxes: int
    pairs: int
    verbs: int
    classes: int
    notes: List[str] = field(default_factory=list)


def convert_custom(
    coco: PathLike,
    pairs: PathLike,
    out: Union[str, os.PathLike],
    vocabulary: Optional[Union[str, HOIVocabulary]] = None,
    name: str = 'custom',
    images: Optional[PathLike] = None,
    progress: bool = False,
    persons: Sequence[str] = (),
) -> CustomReport:
    """Write an annotation file and optionally a vocabulary.

    Args:
        coco (str | PathLike): Images, boxes and categories; 'person' must be
            among the categories.
        pairs (str | PathLike): Table of pairs, see :func:`read_pairs`:
            ``human_ann_id`` and ``object_ann_id`` (ids in the COCO file; the
            latter empty where the action has no object), ``verb`` (its
            particle after a space or '_', as in 'sit on') and optionally
            ``invisible`` (0 or 1).
        out (str | PathLike): The annotation file to write.
        vocabulary (str | HOIVocabulary, optional): A name or a file. Defaults
            to None: one of the verbs and (verb, object) classes that occur is
            made and written as ``{out}_vocabulary.json``.
        name (str): Name of the vocabulary that is made.
        images (str | PathLike, optional): Folder of the images, to read sizes
            that the COCO file lacks and to check the others.
        progress (bool): Whether to show progress bars.
        persons (Sequence[str]): Categories of people with names other than
            'person', such as 'human' and 'pedestrian'; they become 'person'.
            Defaults to ().

    Returns:
        CustomReport: Summary of the conversion.

    Raises:
        FileNotFoundError: If a file or an image is missing.
        ValueError: If a record contradicts the other file.
    """
    out = Path(out)
    inputs = [coco, pairs]
    if isinstance(vocabulary, str):
        inputs.append(vocabulary)
    _check_output(out, inputs)
    made = None
    if vocabulary is None:
        made = out.with_name(f'{out.stem}_vocabulary.json')
        _check_output(made, inputs)
    boxes = COCOFile([coco])
    _rename_persons(boxes, persons, coco)
    rows = read_pairs(pairs)
    read = boxes.require_sizes(
        images, progress, 'read them from the images with --images FOLDER'
    )
    notes = list(boxes.notes)
    if read:
        notes.append(f'{read} images have their size from {images}')
    notes += check_boxes(boxes, coco)
    places: Places = {
        ann['id']: (image_id, ann['category_id'])
        for image_id, anns in boxes.annotations.items()
        for ann in anns
    }
    rows = _known_rows(rows, places, coco, pairs, notes)
    _check_rows(rows, boxes, places, coco)
    rows = _unique_rows(rows, notes)
    if vocabulary is None:
        vocabulary = _make_vocabulary(name, boxes, rows, places, pairs)
    vocabulary = HOIVocabulary.load(vocabulary)
    builder = _build(vocabulary, name, boxes, rows, places)
    if made is not None:
        vocabulary.save(made)
    builder.save(out, vocabulary.rare)
    return CustomReport(
        out,
        made,
        len(builder.images),
        len(builder.annotations),
        len(builder.hois),
        vocabulary.num_verbs,
        vocabulary.num_hois,
        notes,
    )


def _check_output(path: Path, inputs: Sequence[PathLike]) -> None:
    """Check that the output is no folder or input."""
    if path.is_dir():
        raise ValueError(
            f'{path}: is a folder; give --out the JSON file to write, as in '
            f'{path / "train.json"}.'
        )
    for source in map(Path, inputs):
        if path.exists() and source.exists() and path.samefile(source):
            raise ValueError(
                f'{source}: would be read and written over by {path}; give '
                '--out another name.'
            )


def _build(
    vocabulary: HOIVocabulary,
    name: str,
    boxes: COCOFile,
    rows: Sequence[PairRow],
    places: Places,
) -> AnnotationBuilder:
    """Build the annotation file image by image."""
    labels = boxes.labels(vocabulary)
    builder = AnnotationBuilder(
        vocabulary, dict(description=name, boxes='as in the COCO file')
    )
    image_rows: Dict[Id, List[PairRow]] = {}
    for row in rows:
        image_rows.setdefault(places[row.human][0], []).append(row)
    for image_id, image in boxes.images.items():
        builder.add_image(
            image_id, image['file_name'], (image['width'], image['height'])
        )
        for ann in boxes.annotations.get(image_id, ()):
            builder.add_annotation(
                ann['id'],
                labels[ann['category_id']],
                ann['bbox'],
                ann['area'],
                ann['iscrowd'],
            )
        for row in image_rows.get(image_id, ()):
            obj = -1 if row.obj is None else labels[places[row.obj][1]]
            verb = _verb(vocabulary, row, obj)
            builder.add_hoi(row.human, row.obj, verb, row.invisible)
    return builder


def _known_rows(
    rows: Sequence[PairRow],
    places: Places,
    coco: PathLike,
    pairs: PathLike,
    notes: List[str],
) -> List[PairRow]:
    """Select rows whose annotations exist; report the others in `notes`."""
    if not rows:
        raise ValueError(f'{pairs}: no pair; there is nothing to learn from.')
    match_keys(
        [
            ann_id
            for row in rows
            for ann_id in (row.human, row.obj)
            if ann_id is not None
        ],
        places,
        str(pairs),
        f'the annotations of {coco}',
        'human_ann_id and object_ann_id are ids of its annotations',
    )
    kept, first = [], ''
    for row in rows:
        for name, ann_id in zip(FIELDS, (row.human, row.obj)):
            if ann_id is not None and ann_id not in places:
                first = first or (
                    f'{row.where}: {name} {ann_id} is no annotation of {coco}'
                )
                break
        else:
            kept.append(row)
    if not kept:
        raise ValueError(
            f'{pairs}: none of {len(rows)} pairs has its annotations; '
            f'{first}. Give the table and the COCO file of the same boxes.'
        )
    if len(kept) < len(rows):
        notes.append(
            f'{len(rows) - len(kept)} of {len(rows)} pairs left out; {first}'
        )
    return kept


def _unique_rows(rows: Sequence[PairRow], notes: List[str]) -> List[PairRow]:
    """Merge repeated rows; report suspicious ones in `notes`."""
    unique: Dict[tuple, PairRow] = {}
    first = ''
    for row in rows:
        key = (row.human, row.obj, normalize_name(row.verb))
        first_row = unique.setdefault(key, row)
        if first_row is not row:
            first = first or f'{row.where}, which repeats {first_row.where}'
            # A pair that is visible in any row is visible.
            if first_row.invisible and not row.invisible:
                unique[key] = row
    if len(unique) < len(rows):
        notes.append(
            f'{len(rows) - len(unique)} of {len(rows)} pairs occur before, '
            f'with the same person, object and verb, and are left out; {first}'
        )
    self_pairs = [row for row in unique.values() if row.human == row.obj]
    if self_pairs:
        notes.append(
            f'{len(self_pairs)} of {len(unique)} pairs are of a person and '
            f'itself, for one {self_pairs[0].where}; leave object_ann_id '
            'empty where the action has no object'
        )
    return list(unique.values())


def _rename_persons(
    boxes: COCOFile, names: Sequence[str], coco: PathLike
) -> None:
    names_in_file = {
        normalize_name(name) for name in boxes.categories.values()
    }
    persons_given = set(map(normalize_name, names))
    if persons_given - names_in_file:
        raise ValueError(
            f'{coco}: no category '
            f'{min(persons_given - names_in_file)!r}, which --person '
            f'names, among {", ".join(map(repr, boxes.categories.values()))}.'
        )
    for number, name in boxes.categories.items():
        if normalize_name(name) in persons_given:
            boxes.categories[number] = 'person'


def _check_rows(
    rows: Sequence[PairRow], boxes: COCOFile, places: Places, coco: PathLike
) -> None:
    persons: Set[Id] = {
        number
        for number, name in boxes.categories.items()
        if normalize_name(name) == 'person'
    }
    if not persons:
        raise ValueError(
            f"{coco}: no category 'person' among "
            f'{", ".join(map(repr, boxes.categories.values()))}; name the '
            'one that people have with --person.'
        )
    for row in rows:
        image_id, category = places[row.human]
        if category not in persons:
            raise ValueError(
                f'{row.where}: human_ann_id {row.human} is a '
                f'{boxes.categories[category]}, not a person; if the '
                'category is of people, name it with --person.'
            )
        if row.obj is not None and places[row.obj][0] != image_id:
            raise ValueError(
                f'{row.where}: object_ann_id {row.obj} is in image '
                f'{places[row.obj][0]!r}, the person in {image_id!r}.'
            )


def _make_vocabulary(
    name: str,
    boxes: COCOFile,
    rows: Sequence[PairRow],
    places: Places,
    pairs: PathLike,
) -> HOIVocabulary:
    # Categories of one name in different spellings are one object.
    spelling: Dict[str, str] = {}
    for obj in boxes.categories.values():
        spelling.setdefault(normalize_name(obj), obj)
    spelling['person'] = 'person'
    objects = list(spelling)
    position = {
        number: objects.index(normalize_name(obj))
        for number, obj in boxes.categories.items()
    }
    verb_spelling: Dict[str, str] = {}
    for row in rows:
        verb_spelling.setdefault(normalize_name(row.verb), row.verb)
    verbs = sorted(verb_spelling)
    classes = {
        (position[places[row.obj][1]], verbs.index(normalize_name(row.verb)))
        for row in rows
        if row.obj is not None
    }
    if not classes:
        raise ValueError(
            f'{pairs}: no pair has an object; there is no class to learn.'
        )
    with_object = {verb for _, verb in classes}
    return HOIVocabulary(
        name=name,
        objects=[spelling[obj] for obj in objects],
        verbs=[verb_spelling[verb] for verb in verbs],
        gerunds=[gerund(verb) for verb in verbs],
        hois=[(verb, obj) for obj, verb in sorted(classes)],
        roleless=[
            verb_spelling[verb]
            for i, verb in enumerate(verbs)
            if i not in with_object
        ],
    )


def _verb(vocabulary: HOIVocabulary, row: PairRow, obj: int) -> int:
    verb = vocabulary.verb_label(row.verb)
    if verb < 0 or (obj >= 0 and vocabulary.hoi_id(verb, obj) < 0):
        what = row.verb + (f' {vocabulary.objects[obj]}' if obj >= 0 else '')
        raise ValueError(
            f'{row.where}: {what!r} is not in the vocabulary '
            f'{vocabulary.name!r}; leave it out, or give a '
            'vocabulary that has it.'
        )
    return verb
