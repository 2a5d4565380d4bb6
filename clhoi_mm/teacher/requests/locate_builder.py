from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from clhoi_mm.vocabulary import HOIVocabulary

from .detected_objects import DetectedObjects
from .detection_rows import Detection, DetectionRow
from .images import ImageEntry
from .locate_scene import STYLES, LocateScene
from .messages import LOCATE, Prompt, Request
from .prompt_file import PromptFile
from .request_builder import closed_object

# Verb and object.
Label = Tuple[str, str]


class LocateRequestBuilder:
    """Builder of the requests that ask which pairs labels are about.

    An image gets one request, about its labels whose bag holds more than one
    candidate pair; none without such a label.

    Args:
        prompts (PromptFile): The templates.
        vocabulary (HOIVocabulary): The vocabulary.
        labels (Dict[str, List[Label]]): Labels of each image.
        objects (DetectedObjects): Detections with their boxes.
        style (str): 'boxes' (the answer has boxes) or 'marks' (numbered
            boxes are drawn on the image, the answer has numbers).
        coordinates (str, optional): Convention of the model's boxes, which
            'boxes' needs.
        max_tokens (int): Limit of an answer. Defaults to 512.
        max_side (int, optional): Longer images are scaled down to this many
            pixels when they are sent. Defaults to None.
        max_boxes (int): Most confident detections of an image that take
            part. Defaults to 30.

    Raises:
        ValueError: The style is unknown, or the convention is missing.
    """

    stage = 'locate'

    def __init__(
        self,
        prompts: PromptFile,
        vocabulary: HOIVocabulary,
        labels: Dict[str, List[Label]],
        objects: DetectedObjects,
        style: str = 'boxes',
        coordinates: Optional[str] = None,
        max_tokens: int = 512,
        max_side: Optional[int] = None,
        max_boxes: int = 30,
    ) -> None:
        if style not in STYLES:
            raise ValueError(f'style {style!r}: there are {", ".join(STYLES)}')
        self.prompts = prompts
        self.vocabulary = vocabulary
        self.labels = labels
        self.objects = objects
        self.style = style
        self.coordinates = coordinates or 'pixels'
        self.max_tokens = max_tokens
        self.max_side = max_side
        self.max_boxes = max_boxes
        self.template_hash = prompts.hash(f'locate_{style}')
        self._person = vocabulary.objects[vocabulary.person_label]

    def build(self, images: Iterable[ImageEntry]) -> Iterator[Request]:
        """Build the images' requests.

        Args:
            images (Iterable[ImageEntry]): The images.

        Yields:
            Request: One for each image with a label to locate.
        """
        for image in images:
            labels = self.labels.get(image.image_id)
            found = self.objects.boxes.get(image.image_id)
            if labels and found is not None:
                scene = self._scene(found, labels)
                if scene is not None:
                    prompt = self._prompt(scene)
                    yield Request(image.image_id, image.path, prompt)

    def _scene(
        self, found: DetectionRow, labels: List[Label]
    ) -> Optional[LocateScene]:
        """Select the labels to ask for, and the boxes they may be about."""
        boxes = [x for x in self._named(found) if x.box is not None]
        boxes = boxes[: self.max_boxes]
        counts: Dict[str, int] = {}
        for item in boxes:
            counts[item.name] = counts.get(item.name, 0) + 1
        humans = counts.get(self._person, 0)
        asked = tuple(
            label
            for label in labels
            # A person is no object of their own.
            if humans * (counts.get(label[1], 0) - (label[1] == self._person))
            > 1
        )
        if not asked or found.size is None:
            return None
        wanted = {self._person, *(obj for _, obj in asked)}
        boxes = [x for x in boxes if x.name in wanted]
        return LocateScene(
            style=self.style,
            size=found.size,
            sent_size=self._sent_size(found.size),
            boxes=tuple(
                tuple(round(number, 1) for number in item.box)
                for item in boxes
            ),
            objects=tuple(item.name for item in boxes),
            labels=asked,
            person=self._person,
            coordinates=self.coordinates,
        )

    def _named(self, found: DetectionRow) -> Iterator[Detection]:
        """Yield the detections by the vocabulary's names."""
        for item in found.objects:
            label = self.vocabulary.object_label(item.name)
            yield item._replace(name=self.vocabulary.objects[label])

    def _sent_size(self, size: Tuple[int, int]) -> Tuple[int, int]:
        scale = min(1.0, (self.max_side or max(size)) / max(size))
        return tuple(max(round(side * scale), 1) for side in size)

    def _prompt(self, scene: LocateScene) -> Prompt:
        values = dict(
            interactions='\n'.join(
                f'- {verb} {obj}' for verb, obj in scene.labels
            )
        )
        if self.style == 'marks':
            values['marks'] = '\n'.join(
                f'- {name}: {", ".join(map(str, scene.marks_of(name)))}'
                for name in dict.fromkeys(scene.objects)
            )
        return Prompt(
            kind=LOCATE,
            text=self.prompts.fill(f'locate_{self.style}', **values),
            template_hash=self.template_hash,
            max_tokens=self.max_tokens,
            schema=self._schema(scene),
            scene=scene,
        )

    def _schema(self, scene: LocateScene) -> Dict[str, Any]:
        """Build the schema that allows each label its boxes or marks."""
        box = dict(type='array', items=dict(type='number'))
        items = []
        for verb, obj in scene.labels:
            where: Dict[str, Any] = dict(person_box=box, object_box=box)
            if self.style == 'marks':
                where = {
                    f'{part}_mark': dict(
                        type='integer', enum=scene.marks_of(name)
                    )
                    for part, name in (
                        ('person', scene.person),
                        ('object', obj),
                    )
                }
            items.append(
                closed_object(
                    verb=dict(type='string', enum=[verb]),
                    object=dict(type='string', enum=[obj]),
                    **where,
                )
            )
        return closed_object(
            interactions=dict(type='array', items=dict(anyOf=items))
        )
