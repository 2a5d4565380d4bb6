"""Images and requests for backend tests."""

from pathlib import Path

import numpy as np
from PIL import Image

from clhoi_mm.teacher.requests.messages import SCORE, Prompt, Request

SCHEMA = dict(type='object', properties={})


def write_images(folder: Path, count: int = 5) -> Path:
    """Write noise images of several sizes and a broken file."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    sizes = [(56, 28), (28, 84), (40, 40), (64, 32), (30, 90)]
    for i in range(count):
        width, height = sizes[i % 5]
        noise = rng.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(noise).save(folder / f'{i}.png')
    (folder / 'broken.png').write_bytes(b'no image')
    return folder


def ask(backend, folder, kind, names=range(5), texts=None, schema=None):
    """Run a backend and return its answers by image."""
    requests = []
    for i, name in enumerate(names):
        text = texts[i] if texts else f'Question {name}?'
        prompt = Prompt(kind, text, 'hash', 1 if kind == SCORE else 12, schema)
        requests.append(Request(str(name), folder / f'{name}.png', prompt))
    answers = list(backend.run(requests))
    assert len(answers) == len(requests)
    return {request.image_id: outcome for request, outcome in answers}
