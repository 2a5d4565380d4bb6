import json
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple, Union

from ..vocabulary import HOIVocabulary


@dataclass(frozen=True)
class ImageFacts:
    """What is in an image: sets only, no instance, box or count.

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


def read_image_facts(
    ann_file: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    no_interaction: bool = False,
) -> List[ImageFacts]:
    """Reduce an annotation file in the project's format to the image level.

    Interactions flagged invisible count, as in image-level labels; pairs
    outside the vocabulary do not.

    Args:
        ann_file (str | PathLike): The annotation file.
        vocabulary (HOIVocabulary): Gives labels to its names.
        no_interaction (bool): Whether ``no_interaction`` classes count.
            Defaults to False: no VLLM says them.

    Returns:
        List[ImageFacts]: One for each image, in the file's order.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no JSON, lacks a field, or names something
            outside the vocabulary.
    """
    path = Path(ann_file)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no such annotation file; write one with a converter in '
            f'tools/dataset_converters'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        return _read(content, vocabulary, path, no_interaction)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{path}: no JSON ({error}); convert or copy the file anew'
        ) from error
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f'{path}: a field is missing or refers to nothing ({error!r}); '
            f'a COCO detection file with verbs, hoi_categories and hois is '
            f'expected, from tools/dataset_converters'
        ) from error


def _read(
    content: Dict[str, Any],
    vocabulary: HOIVocabulary,
    path: Path,
    no_interaction: bool,
) -> List[ImageFacts]:
    objects = {
        category['id']: _label(
            'categories',
            category['name'],
            vocabulary.object_label,
            vocabulary,
            path,
        )
        for category in content['categories']
    }
    verbs = [
        _label('verbs', name, vocabulary.verb_label, vocabulary, path)
        for name in content['verbs']
    ]
    classes = {
        record['id']: vocabulary.hoi_id(
            verbs[record['verb_id']], objects[record['category_id']]
        )
        for record in content['hoi_categories']
    }
    object_of = {
        record['id']: objects[record['category_id']]
        for record in content['annotations']
    }
    present: Dict[Any, Set[int]] = defaultdict(set)
    for record in content['annotations']:
        present[record['image_id']].add(object_of[record['id']])
    said: Dict[Any, Set[int]] = defaultdict(set)
    for record in content['hois']:
        if record['object_ann_id'] is not None:
            said[record['image_id']].add(
                vocabulary.hoi_id(
                    verbs[record['verb_id']],
                    object_of[record['object_ann_id']],
                )
            )
    facts = []
    for image in content['images']:
        hois = said[image['id']]
        hois.update(classes[label] for label in image.get('hoi_ids', ()))
        present[image['id']].update(
            int(vocabulary.hoi_objects[label]) for label in hois if label >= 0
        )
        facts.append(
            ImageFacts(
                key=image.get('key', image['file_name']),
                hois=tuple(
                    sorted(
                        label
                        for label in hois
                        if label >= 0
                        and (
                            no_interaction
                            or not vocabulary.no_interaction_mask[label]
                        )
                    )
                ),
                objects=tuple(sorted(present[image['id']])),
                scene=image.get('scene'),
            )
        )
    return facts


def _label(
    field: str, name: str, find: Any, vocabulary: HOIVocabulary, path: Path
) -> int:
    label = find(name)
    if label < 0:
        raise ValueError(
            f'{path}: field "{field}": "{name}" is not in the vocabulary '
            f'"{vocabulary.name}"; give the vocabulary that the file was '
            f'written for'
        )
    return label
