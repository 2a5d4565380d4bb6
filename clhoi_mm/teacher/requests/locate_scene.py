from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Tuple

Box = Tuple[float, float, float, float]
STYLES = ('boxes', 'marks')


@dataclass(frozen=True)
class LocateScene:
    """Detections of an image and the labels whose pairs are asked for.

    Attributes:
        style (str): 'boxes' or 'marks', the form of the answer.
        size (Tuple[int, int]): Width and height of the image.
        sent_size (Tuple[int, int]): Those of the image as it is sent.
        boxes (Tuple[Box, ...]): Detections, xyxy in pixels of the image; the
            first one has the mark 1.
        objects (Tuple[str, ...]): Their names.
        labels (Tuple[Tuple[str, str], ...]): Verbs and objects asked for.
        person (str): Name of the category person.
        coordinates (str): The model's :data:`CONVENTIONS`, of 'boxes' alone.
            It is no part of what is asked: answers can be read anew.
    """

    style: str
    size: Tuple[int, int]
    sent_size: Tuple[int, int]
    boxes: Tuple[Box, ...]
    objects: Tuple[str, ...]
    labels: Tuple[Tuple[str, str], ...]
    person: str
    coordinates: str = field(default='pixels', compare=False)

    def to_dict(self) -> Dict[str, Any]:
        """Return all fields, for JSON."""
        return asdict(self)

    @property
    def content(self) -> Dict[str, Any]:
        """dict: What is asked, without the convention of the answer."""
        fields = asdict(self)
        del fields['coordinates']
        return fields

    @classmethod
    def from_dict(cls, fields: Any) -> 'LocateScene':
        """Read what :meth:`to_dict` gave.

        Raises:
            ValueError: It is something else.
        """
        try:
            boxes = tuple(
                tuple(float(x) for x in box) for box in fields['boxes']
            )
            scene = cls(
                style=fields['style'],
                size=tuple(fields['size']),
                sent_size=tuple(fields['sent_size']),
                boxes=boxes,
                objects=tuple(map(str, fields['objects'])),
                labels=tuple((str(v), str(o)) for v, o in fields['labels']),
                person=str(fields['person']),
                coordinates=fields.get('coordinates', 'pixels'),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f'field "scene" is unreadable ({error!r})'
            ) from error
        sizes = {len(box) for box in boxes} | {4}
        if (
            sizes != {4}
            or len(boxes) != len(scene.objects)
            or scene.style not in STYLES
            or len(scene.size) != 2
            or len(scene.sent_size) != 2
            or not all(
                isinstance(x, int) and x > 0
                for x in scene.size + scene.sent_size
            )
        ):
            raise ValueError('field "scene" holds no boxes of an image')
        return scene

    def marks_of(self, name: str) -> List[int]:
        """List the marks of the boxes with a name."""
        return [i for i, x in enumerate(self.objects, 1) if x == name]
