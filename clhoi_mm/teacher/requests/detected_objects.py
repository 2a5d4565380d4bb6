import os
from collections import Counter
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

from clhoi_mm.vocabulary import HOIVocabulary

from .detection_rows import Detection, DetectionRow, read_detection_rows
from .shards import Shard

_NAMED = 10


class DetectedObjects(Dict[str, Tuple[int, ...]]):
    """Detected labels by image id, one for each detection.

    Attributes:
        unknown (Counter): Detections by object name, of the names outside
            the vocabulary.
        repeated (Counter): Further records by image id, of the images that
            have several; their labels follow those of the first.
        notes (List[str]): Sentences about what was skipped.
        boxes (Dict[str, DetectionRow], optional): Detections of each image,
            in the order of the labels, with its size; None where boxes were
            not asked for.
    """

    def __init__(self, with_boxes: bool = False) -> None:
        super().__init__()
        self.boxes: Optional[Dict[str, DetectionRow]] = (
            {} if with_boxes else None
        )
        self.unknown: Counter = Counter()
        self.repeated: Counter = Counter()
        self.notes: List[str] = []

    def add(
        self,
        row: DetectionRow,
        names: Dict[str, int],
        min_score: float,
    ) -> Tuple[int, ...]:
        """Add a record of an image.

        Args:
            row (DetectionRow): The record.
            names (Dict[str, int]): Labels by name, -1 outside the
                vocabulary.
            min_score (float): Lowest score that counts.

        Returns:
            Tuple[int, ...]: The image's labels.
        """
        image_id = row.image_id
        ranked = sorted(row.objects, key=lambda item: -item.score)
        # A comparison with NaN is false.
        likely = [item for item in ranked if item.score >= min_score]
        self.unknown.update(x.name for x in likely if names[x.name] < 0)
        self.repeated.update([image_id] * (image_id in self))
        known: List[Detection] = [x for x in likely if names[x.name] >= 0]
        labels = [names[item.name] for item in known]
        if self.boxes is not None:
            before = self.boxes.get(image_id, DetectionRow(image_id, []))
            self.boxes[image_id] = DetectionRow(
                image_id, before.objects + known, row.size or before.size
            )
        self[image_id] = (*self.get(image_id, ()), *labels)
        return self[image_id]

    def num_without(self, label: int) -> int:
        """Count the images in which a label was not detected."""
        return sum(label not in labels for labels in self.values())

    def unknown_names(self) -> str:
        """List the most frequent unknown names with their counts."""
        named = ', '.join(
            f'{name} ({count})'
            for name, count in self.unknown.most_common(_NAMED)
        )
        more = len(self.unknown) - _NAMED
        return named + (f' and {more} more' if more > 0 else '')


def read_detected_objects(
    path: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    shard: Shard = Shard(),
    min_score: float = 0.3,
    with_boxes: bool = False,
) -> DetectedObjects:
    """Read the detected objects of each image.

    Args:
        path (str | PathLike): JSONL, a line ``{"image_id", "objects"}`` an
            image, where objects are names (a list, or a text with commas),
            or ``{"name", "score", "bbox"}``, one for each detection, with the
            fields ``width`` and ``height`` of the image. Or a COCO file
            (.json): its annotations. Or the output of
            ``tools/analysis_tools/cache_detections.py`` (.safetensors).
            Lines that cannot be read are skipped, with a note.
        vocabulary (HOIVocabulary): The vocabulary; names outside it
            are skipped.
        shard (Shard): The images to keep. Defaults to all.
        min_score (float): Detections below it are left out. Defaults to 0.3.
        with_boxes (bool): Whether to keep their boxes. Defaults to False.

    Returns:
        DetectedObjects: Labels by image id.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No line, or a field of the other forms, can be read, or
            no name is known.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file of detected objects')
    names: Dict[str, int] = {}
    shared: Dict[Tuple[int, ...], Tuple[int, ...]] = {}
    found = DetectedObjects(with_boxes)
    rejected: List[str] = []
    read = 0
    for row in read_detection_rows(path, rejected):
        image_id = row.image_id
        read += 1
        if not isinstance(image_id, str) and shard.count > 1:
            continue  # a number is the key of no image
        if image_id not in shard:
            continue
        for name, *_ in row.objects:
            if name not in names:
                names[name] = vocabulary.object_label(name)
        labels = found.add(row, names, min_score)
        # Few combinations, many images.
        found[image_id] = shared.setdefault(labels, labels)
    if rejected and not read:
        raise ValueError(rejected[0])
    if rejected:
        found.notes.append(
            f'{len(rejected)} of {read + len(rejected)} lines could not be '
            f'read and were skipped, for one {rejected[0]}'
        )
    if names and max(names.values()) < 0:
        raise ValueError(
            f'{path}: none of the objects ({", ".join(list(names)[:5])}, ...) '
            f'is in the vocabulary "{vocabulary.name}"; give the vocabulary '
            f'whose objects the detector finds'
        )
    found.notes += _notes(path, found, vocabulary)
    return found


def _notes(
    path: Path, found: DetectedObjects, vocabulary: HOIVocabulary
) -> List[str]:
    notes = []
    if found.repeated:
        notes.append(
            f'{path}: {len(found.repeated)} images have several records, '
            f'which were joined, for one "{next(iter(found.repeated))}"'
        )
    if not found.unknown:
        return notes
    person = vocabulary.objects[vocabulary.person_label]
    return [
        *notes,
        f'{path}: {sum(found.unknown.values())} detections were skipped, '
        f'since {len(found.unknown)} object names are not in the vocabulary '
        f'"{vocabulary.name}": {found.unknown_names()}; '
        f'{found.num_without(vocabulary.person_label)} of {len(found)} images '
        f'have no "{person}" among their detected objects',
    ]
