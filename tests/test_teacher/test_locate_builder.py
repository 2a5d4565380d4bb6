"""Requests of the stage locate, and their images."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from clhoi_mm.teacher.backends.base import BatchedBackend
from clhoi_mm.teacher.requests.detected_objects import read_detected_objects
from clhoi_mm.teacher.requests.images import ImageEntry, load_request_image
from clhoi_mm.teacher.requests.locate_builder import LocateRequestBuilder
from clhoi_mm.teacher.requests.messages import LOCATE, Response
from clhoi_mm.teacher.requests.prompt_file import PROMPT_DIR, PromptFile

SIZE = 1200, 600
PERSON, OTHER = [100, 50, 300, 400], [800, 50, 1000, 400]
BIKE, DOG = [80, 200, 420, 500], [700.04, 300, 800, 400]
OBJECTS = [
    dict(name='person', score=0.9, bbox=PERSON),
    dict(name='dog', score=0.5, bbox=DOG),
    dict(name='person', score=0.8, bbox=OTHER),
    dict(name='bicycle', score=0.7, bbox=BIKE),
    dict(name='wine glass', score=0.6),  # Without a box.
    dict(name='kite', score=0.6, bbox=DOG),  # Outside the vocabulary.
]
LABELS = [('ride', 'bicycle'), ('feed', 'dog'), ('hold', 'wine_glass')]


@pytest.fixture
def make(tmp_path, vocabulary):
    def build(labels=LABELS, objects=OBJECTS, prompts=None, **options):
        path = tmp_path / 'objects.jsonl'
        row = dict(
            image_id='a.jpg', width=SIZE[0], height=SIZE[1], objects=objects
        )
        path.write_text(json.dumps(row))
        found = read_detected_objects(path, vocabulary, with_boxes=True)
        return LocateRequestBuilder(
            PromptFile.load(prompts), vocabulary, {'a.jpg': labels}, found,
            **options
        )  # fmt: skip

    return build


def requests_of(builder, folder='.'):
    names = ('a.jpg', 'b.jpg')
    return list(builder.build(ImageEntry(x, folder / x) for x in names))


@pytest.fixture
def request_of(make, tmp_path):
    def build(**options):
        (found,) = requests_of(make(**options), tmp_path)
        return found

    return build


def test_ambiguous_labels_and_their_boxes(request_of):
    scene = request_of(max_side=600).prompt.scene
    assert scene.labels == (('ride', 'bicycle'), ('feed', 'dog'))
    # In descending order of confidence.
    assert scene.objects == ('person', 'person', 'bicycle', 'dog')
    assert scene.boxes[0] == tuple(PERSON)
    assert scene.boxes[3] == (700.0, 300.0, 800.0, 400.0)
    assert (scene.size, scene.sent_size) == (SIZE, (600, 300))
    assert request_of(max_side=None).prompt.scene.sent_size == SIZE


def test_no_request_for_unambiguous_labels(make, tmp_path):
    one = [x for x in OBJECTS if x['bbox' if 'bbox' in x else 'name'] != OTHER]
    assert requests_of(make(objects=one), tmp_path) == []
    assert requests_of(make(labels=[('hold', 'wine_glass')]), tmp_path) == []
    assert requests_of(make(labels=[]), tmp_path) == []
    # More boxes than the limit.
    assert requests_of(make(max_boxes=2), tmp_path) == []
    # Two persons: both role assignments are candidates.
    (hug,) = requests_of(make(labels=[('hug', 'person')]), tmp_path)
    assert hug.prompt.scene.objects == ('person', 'person')


def test_prompts_and_schemas(request_of):
    prompt = request_of().prompt
    assert (
        prompt.kind == LOCATE and '- ride bicycle\n- feed dog' in prompt.text
    )
    items = prompt.schema['properties']['interactions']['items']['anyOf']
    assert [x['properties']['object']['enum'] for x in items] == [
        ['bicycle'],
        ['dog'],
    ]
    assert items[0]['required'] == [
        'verb', 'object', 'person_box', 'object_box',
    ]  # fmt: skip
    assert not items[0]['additionalProperties']
    prompt = request_of(style='marks').prompt
    assert '- person: 1, 2\n- bicycle: 3\n- dog: 4' in prompt.text
    items = prompt.schema['properties']['interactions']['items']['anyOf']
    assert items[1]['properties']['person_mark']['enum'] == [1, 2]
    assert items[1]['properties']['object_mark']['enum'] == [4]


def test_both_prompt_files_have_the_sections(request_of):
    for path in PROMPT_DIR.glob('*.txt'):
        for style in ('boxes', 'marks'):
            text = request_of(style=style, prompts=path).prompt.text
            assert '- ride bicycle' in text and '$' not in text


def test_box_convention_does_not_change_the_request(request_of):
    one, other = (
        request_of(coordinates=x).prompt for x in ('pixels', 'normalized-1')
    )
    assert one.digest == other.digest
    assert one.scene.coordinates != other.scene.coordinates
    assert one.digest != request_of(max_side=300).prompt.digest
    assert one.digest != replace(one, scene=None).digest


def test_unknown_style_and_older_prompt_files(make, tmp_path):
    with pytest.raises(ValueError, match="style 'dots'"):
        make(style='dots')
    path = tmp_path / 'old.txt'
    path.write_text(
        'version: 1\n[describe]\na\n[list]\n$choices\n[score]\n$phrase\n'
    )
    with pytest.raises(ValueError, match=r'\[locate_boxes\] is missing'):
        make(prompts=path)


class Recorder(BatchedBackend):
    model = 'recorder'

    def answer(self, requests, images):
        self.sizes = [image.size for image in images]
        self.pictures = images
        return [Response('{}') for _ in requests]


def test_marks_are_drawn_on_the_sent_image(request_of, tmp_path):
    image = Image.new('RGB', SIZE, (200, 200, 200))
    image.save(tmp_path / 'a.jpg', quality=100)
    backend = Recorder(max_side=600)
    plain, marked = (request_of(style=x) for x in ('boxes', 'marks'))
    list(backend.run([plain]))
    assert backend.sizes == [(600, 300)]
    assert len(backend.pictures[0].getcolors(1 << 20)) == 1
    list(backend.run([marked]))
    assert backend.sizes == [(768, 384)]  # Enlarged for legible numbers.
    picture = load_request_image(marked, 900)
    assert picture.size == (900, 450)
    # The outline of the bicycle, unoccluded at its lower edge.
    x, y = (round(value * 0.75) for value in (250, BIKE[3]))
    assert picture.getpixel((x, y - 1)) != (200, 200, 200)
