"""Reader of V-COCO's original files, with COCO's boxes."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from tqdm import tqdm

from ..annotation_builder import AnnotationBuilder
from ..coco_file import COCOFile, relative_name
from ..text_file import PathLike

Row = Tuple[int, int, int]  # verb label, person, object (0: missing)


class OfficialActions:
    """``vcoco_{train,val,trainval,test}.json`` of github.com/s-gupta/v-coco.

    A list of 26 actions; each has for the same persons ``image_id``,
    ``ann_id`` (a person in COCO), ``label`` (0 or 1), ``role_name`` ('agent'
    and up to two more) and ``role_object_id``, the annotation ids of one role
    after the other, 0 where the role is missing.

    Args:
        vocabulary (HOIVocabulary): V-COCO's, whose verbs are action roles.

    Attributes:
        image_of (Dict[int, int]): Person to image.
        rows (Dict[int, List[Row]]): Image to verb, person and object of each
            role of each of a person's actions.
    """

    def __init__(self, vocabulary: Any) -> None:
        self.vocabulary = vocabulary
        self.image_of: Dict[int, int] = {}
        self.rows: Dict[int, List[Row]] = {}

    def add(self, path: PathLike, actions: List[dict]) -> None:
        """Add a file.

        Raises:
            ValueError: With the file, the action and the fault.
        """
        persons = list(zip(actions[0]['image_id'], actions[0]['ann_id']))
        for image_id, person in persons:
            if person in self.image_of:
                raise ValueError(
                    f'{path}: person {person} of image '
                    f'{image_id} occurs twice.'
                )
            self.image_of[person] = image_id
            self.rows.setdefault(image_id, [])
        for action in actions:
            try:
                self._add_action(
                    f'{path}, action {action["action_name"]}', action, persons
                )
            except KeyError as error:
                raise ValueError(
                    f'{path}, action {action["action_name"]}: no {error}.'
                ) from error

    def _add_action(
        self, where: str, action: dict, persons: List[Tuple[int, int]]
    ) -> None:
        roles = action['role_name']
        ids = np.array(action['role_object_id'], np.int64)
        labels = np.array(action['label'], np.int64)
        if (
            list(zip(action['image_id'], action['ann_id'])) != persons
            or len(labels) != len(persons)
            or ids.size != len(roles) * len(persons)
        ):
            raise ValueError(
                f'{where}: its persons or the lengths of its '
                'lists are not those of the first action.'
            )
        ids = ids.reshape(len(roles), -1)
        if not np.isin(labels, (0, 1)).all():
            raise ValueError(f'{where}: labels other than 0 and 1.')
        if (ids[0] != action['ann_id']).any():
            raise ValueError(f'{where}: an agent is not the person.')
        names = [f'{action["action_name"]} {role}' for role in roles[1:]]
        names = names or [action['action_name']]
        for k, name in enumerate(names):
            verb = self.vocabulary.verb_label(name)
            if verb < 0:
                raise ValueError(
                    f'{where}: {name!r} is no action role of V-COCO.'
                )
            objects = ids[k + 1] if len(ids) > 1 else np.zeros_like(labels)
            for i in np.flatnonzero(labels):
                self.rows[persons[i][0]].append(
                    (verb, persons[i][1], int(objects[i]))
                )


def add_official(
    builder: AnnotationBuilder,
    files: Sequence[Tuple[PathLike, List[dict]]],
    coco_paths: Sequence[PathLike],
    ids: Optional[PathLike] = None,
    progress: bool = False,
) -> None:
    """Fill an annotation file from V-COCO's original files.

    All of COCO's annotations of an image are kept, in COCO's order and with
    its ids: the order of persons breaks ties in V-COCO's evaluation. Persons
    that are not in V-COCO get ``hoi_labelled`` false.

    Args:
        builder (AnnotationBuilder): Builder with the vocabulary 'v_coco'.
        files (Sequence[Tuple]): Path and content of each action file.
        coco_paths (Sequence[str | PathLike]): COCO's instances files.
        ids (str | PathLike, optional): File of image ids, one per line.
        progress (bool): Whether to show a progress bar.

    Raises:
        ValueError: If a record contradicts COCO.
    """
    actions = OfficialActions(builder.vocabulary)
    for path, content in files:
        actions.add(path, content)
    wanted = set(actions.rows) if ids is None else read_ids(ids)
    coco = COCOFile(coco_paths, wanted)
    missing = sorted(wanted - set(coco.images))
    if missing:
        raise ValueError(
            f'{len(missing)} images of V-COCO are not in '
            f'{", ".join(map(str, coco_paths))}, the first is {missing[0]}. '
            "V-COCO needs COCO's instances_train2014.json (train, val) and "
            'instances_val2014.json (test).'
        )
    coco.require_sizes()
    labels = coco.labels(builder.vocabulary)
    for image_id in tqdm(sorted(wanted), 'images', disable=not progress):
        _add_image(builder, actions, coco, labels, image_id)


def _add_image(
    builder: AnnotationBuilder,
    actions: OfficialActions,
    coco: COCOFile,
    labels: Dict[int, int],
    image_id: int,
) -> None:
    image = coco.images[image_id]
    builder.add_image(
        image_id,
        relative_name(image['file_name']),
        (image['width'], image['height']),
    )
    person_label = builder.vocabulary.person_label
    box_labels = {}
    for ann in coco.annotations[image_id]:
        label = box_labels[ann['id']] = labels[ann['category_id']]
        builder.add_annotation(
            ann['id'],
            label,
            ann['bbox'],
            ann['area'],
            ann['iscrowd'],
            label != person_label
            or actions.image_of.get(ann['id']) == image_id,
        )
    for verb, person, obj in actions.rows.get(image_id, ()):
        name = builder.vocabulary.verbs[verb]
        if box_labels.get(person) != person_label:
            raise ValueError(
                f'image {image_id}, {name!r}: COCO has no '
                f'person {person} there.'
            )
        if obj and obj not in box_labels:
            raise ValueError(
                f'image {image_id}, {name!r} of person {person}: '
                f'COCO has no annotation {obj} there.'
            )
        builder.add_hoi(person, obj or None, verb)


def read_ids(path: PathLike) -> set:
    """Read a list of image ids.

    Args:
        path (str | PathLike): File such as V-COCO's ``splits/*.ids``, one id
            per line.

    Raises:
        ValueError: If it has other content.
    """
    with open(path, encoding='utf-8') as file:
        lines = file.read().split()
    if not lines or not all(line.isdigit() for line in lines):
        raise ValueError(f'{path}: image ids are expected, one a line.')
    return {int(line) for line in lines}
