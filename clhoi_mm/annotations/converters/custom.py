"""One's own data: a COCO detection file and a table of pairs."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from clhoi_mm.teacher.english import gerund
from clhoi_mm.vocabulary import HOIVocabulary, normalise_name

from ..annotation_builder import AnnotationBuilder
from ..coco_file import COCOFile
from ..text_file import PathLike, read_json

FIELDS = ('human_ann_id', 'object_ann_id', 'verb')
TRUE = ('1', 'true', 'yes')
FALSE = ('', '0', 'false', 'no')


@dataclass
class CustomReport:
    """What was written.

    Attributes:
        path (Path): The annotation file.
        vocabulary (Path, optional): The vocabulary file, where one was made.
        images (int): Number of images.
        boxes (int): Number of annotations.
        pairs (int): Number of pairs.
        verbs (int): Verbs of the vocabulary.
        classes (int): HOI classes of the vocabulary.
    """

    path: Path
    vocabulary: Optional[Path]
    images: int
    boxes: int
    pairs: int
    verbs: int
    classes: int


@dataclass(frozen=True)
class PairRow:
    """A row of the table.

    Attributes:
        where (str): File and row, for messages.
        human (int): Annotation id of the person.
        obj (int, optional): Annotation id of the object, None without one.
        verb (str): What the person does.
        invisible (bool): Said of the image, but not to be seen.
    """

    where: str
    human: int
    obj: Optional[int]
    verb: str
    invisible: bool


def convert_custom(
    coco: PathLike,
    pairs: PathLike,
    out: Union[str, os.PathLike],
    vocabulary: Optional[Union[str, HOIVocabulary]] = None,
    name: str = 'custom',
) -> CustomReport:
    """Writes an annotation file, and a vocabulary where none is given.

    Args:
        coco (str | PathLike): Images, boxes and categories; 'person' must be
            among the categories.
        pairs (str | PathLike): CSV with a header, or a JSON list of objects,
            with ``human_ann_id`` and ``object_ann_id`` (ids in the COCO file;
            the latter empty or null where nothing is acted upon), ``verb``
            (its particle after a space or '_', as in 'sit on') and optionally
            ``invisible`` (0 or 1).
        out (str | PathLike): The annotation file to write.
        vocabulary (str | HOIVocabulary, optional): A name or a file; without
            it, one is made of the verbs and (verb, object) classes that occur
            and is written beside as ``{out}_vocabulary.json``.
        name (str): Of the vocabulary that is made.

    Returns:
        CustomReport: What was written.

    Raises:
        ValueError: Naming the record that contradicts the other file.
    """
    out = Path(out)
    boxes = COCOFile([coco])
    rows = read_pairs(pairs)
    where_is = {
        ann['id']: (image_id, ann['category_id'])
        for image_id, anns in boxes.annotations.items()
        for ann in anns
    }
    _check_rows(rows, boxes, where_is, coco)
    made = None
    if vocabulary is None:
        made = out.with_name(f'{out.stem}_vocabulary.json')
        vocabulary = _make_vocabulary(name, boxes, rows, where_is)
    vocabulary = HOIVocabulary.load(vocabulary)
    labels = boxes.labels(vocabulary)
    builder = AnnotationBuilder(
        vocabulary, dict(description=name, boxes='as in the COCO file')
    )
    of_image: Dict[Any, List[PairRow]] = {}
    for row in rows:
        of_image.setdefault(where_is[row.human][0], []).append(row)
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
        for row in of_image.get(image_id, ()):
            obj = -1 if row.obj is None else labels[where_is[row.obj][1]]
            verb = _verb(vocabulary, row, obj)
            builder.add_hoi(row.human, row.obj, verb, row.invisible)
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
    )


def read_pairs(path: PathLike) -> List[PairRow]:
    """Reads the table of pairs.

    Args:
        path (str | PathLike): A CSV file with a header, or a JSON list.

    Raises:
        ValueError: A row lacks a field or holds no id; the message names it.
    """
    path = Path(path)
    if path.suffix.lower() == '.json':
        content = read_json(path)
        if not isinstance(content, list):
            raise ValueError(f'{path}: a list of pairs is expected.')
        return [
            _row(f'{path}, record {i}', record)
            for i, record in enumerate(content)
        ]
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file.')
    with path.open(encoding='utf-8-sig', newline='') as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        missing = set(FIELDS) - set(reader.fieldnames or ())
        if missing:
            raise ValueError(
                f'{path}: no column {", ".join(sorted(missing))} '
                f'in the header; it names {", ".join(FIELDS)}.'
            )
        return [
            _row(f'{path}, line {reader.line_num}', record)
            for record in reader
        ]


def _row(where: str, record: Any) -> PairRow:
    try:
        human, obj, verb = (record[key] for key in FIELDS)
        flag = str(record.get('invisible') or '').strip().lower()
        if flag not in TRUE + FALSE:
            raise ValueError(f'invisible is {flag!r}, not 0 or 1')
        if not str(verb or '').strip():
            raise ValueError('no verb')
        if obj is not None and str(obj).strip() == '':
            obj = None
        return PairRow(
            where,
            int(human),
            None if obj is None else int(obj),
            str(verb).strip(),
            flag in TRUE,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{where}: {error}; a pair has {", ".join(FIELDS)}, with '
            'annotation ids as integers.'
        ) from error


def _check_rows(
    rows: Sequence[PairRow],
    boxes: COCOFile,
    where_is: Dict[int, Tuple[Any, int]],
    coco: PathLike,
) -> None:
    person = next(
        (
            number
            for number, name in boxes.categories.items()
            if normalise_name(name) == 'person'
        ),
        None,
    )
    if person is None:
        raise ValueError(
            f"{coco}: no category 'person'; rename the one that people have."
        )
    for row in rows:
        for field, ann_id in zip(FIELDS, (row.human, row.obj)):
            if ann_id is not None and ann_id not in where_is:
                raise ValueError(
                    f'{row.where}: {field} {ann_id} is no '
                    f'annotation of {coco}.'
                )
        image_id, category = where_is[row.human]
        if category != person:
            raise ValueError(
                f'{row.where}: human_ann_id {row.human} is a '
                f'{boxes.categories[category]}, not a person.'
            )
        if row.obj is not None and where_is[row.obj][0] != image_id:
            raise ValueError(
                f'{row.where}: object_ann_id {row.obj} is in image '
                f'{where_is[row.obj][0]!r}, the person in {image_id!r}.'
            )


def _make_vocabulary(
    name: str,
    boxes: COCOFile,
    rows: Sequence[PairRow],
    where_is: Dict[int, Tuple[Any, int]],
) -> HOIVocabulary:
    objects = [
        'person' if normalise_name(obj) == 'person' else obj
        for obj in boxes.categories.values()
    ]
    position = {number: i for i, number in enumerate(boxes.categories)}
    spelling: Dict[str, str] = {}
    for row in rows:
        spelling.setdefault(normalise_name(row.verb), row.verb)
    verbs = sorted(spelling)
    classes = {
        (position[where_is[row.obj][1]], verbs.index(normalise_name(row.verb)))
        for row in rows
        if row.obj is not None
    }
    if not classes:
        raise ValueError('no pair has an object; there is no class to learn.')
    with_object = {verb for _, verb in classes}
    return HOIVocabulary(
        name=name,
        objects=objects,
        verbs=[spelling[verb] for verb in verbs],
        gerunds=[gerund(verb) for verb in verbs],
        hois=[(verb, obj) for obj, verb in sorted(classes)],
        roleless=[
            spelling[verb]
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
