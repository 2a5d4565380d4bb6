"""HTML of a demo web page."""

import base64
import json
from html import escape
from pathlib import PurePath
from typing import Dict, List, Sequence

import cv2
import numpy as np
from mmengine.config import Config, ConfigDict

from clhoi_mm.config_file import inner_configs
from clhoi_mm.vocabulary import HOIVocabulary

from .demo_session import Row, View

SUPERVISION = dict(
    vllm="image-level pseudo-labels of a teacher's answers, no annotation",
    image='annotated image-level labels',
    instance='annotated pairs',
)
# Maximum of the longer side of the photo under a highlighted pair, in pixels.
PHOTO_SIDE = 1600
THUMBNAIL_SIDE = 240
# Browser code of the examples' buttons: Gradio's event with the index.
SELECT_EXAMPLE = """
element.addEventListener('click', event => {
  const button = event.target.closest('button')
  if (button) trigger('select', {index: Number(button.value), value: null})
})"""


def describe_model(
    cfg: Config, vocabulary: HOIVocabulary, weights: str
) -> Dict[str, str]:
    """Describe a model for visitors.

    Args:
        cfg (Config): The model's config.
        vocabulary (HOIVocabulary): The model's vocabulary.
        weights (str): Path of the checkpoint.

    Returns:
        dict[str, str]: Detector, vocabulary, weights and training data.
    """
    detector = cfg.model.detector.get('detector') or cfg.model.detector
    backbone = detector.get('backbone') or ConfigDict()
    parts = [detector.type, backbone.get('type'), backbone.get('depth')]
    loader = cfg.get('train_dataloader') or ConfigDict()
    dataset = next(inner_configs(loader.get('dataset') or {}), {})
    folder = (dataset.get('data_root') or '').rstrip('/')
    labels = SUPERVISION[cfg.model.teacher_head.get('supervision', 'vllm')]
    return {
        'Detector': ' '.join(str(p) for p in parts if p),
        'Vocabulary': f'{vocabulary.name}: {vocabulary.num_hois} interactions '
        f'of {vocabulary.num_verbs} verbs and {vocabulary.num_objects} '
        'objects',
        'Weights': '/'.join(PurePath(weights).parts[-2:]),
        'Trained on': f'{folder}: {labels}' if folder else labels,
    }


def render_model(facts: Dict[str, str]) -> str:
    """Render the description of a model."""
    items = ''.join(
        f'<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>'
        for name, value in facts.items()
    )
    return f'<dl>{items}</dl>'


def render_examples(photos: Sequence[np.ndarray]) -> str:
    """Render a button for each example photo, RGB."""
    return ''.join(
        f'<button value="{i}" aria-label="Example {i + 1}">'
        f'<img src="{_jpeg(_reduce(photo, THUMBNAIL_SIDE))}" alt=""></button>'
        for i, photo in enumerate(photos)
    )


def render_message(text: str, kind: str = 'hint') -> str:
    """Render a message; ``kind`` is 'hint' or 'error'."""
    return f'<p class="{kind}">{escape(text)}</p>'


def render_result(view: View, threshold: float) -> str:
    """Render picture, downloads and list; a row highlights its pair.

    Args:
        view (View): Content.
        threshold (float): Score threshold.

    Returns:
        str: HTML without script; :hover and :focus of a row show its pair.
    """
    above = view.num_above > 0
    rows = ''.join(map(_render_row, view.rows))
    picture = _jpeg(view.picture)
    height, width = view.picture.shape[:2]
    return f"""
<div class="result">
<div class="shown" style="--aspect: {width / height:.4f}">
<div class="frame">
<img src="{picture}" alt="The photo with the interactions found">
{_render_pairs(view)}
</div>
{_render_downloads(picture, view.prediction)}
</div>
<div class="found">
<h2>{escape(_heading(view, threshold))}</h2>
<ol class="{'above' if above else 'below'}">{rows}</ol>
</div>
{_highlight_rules(len(view.rows))}
</div>"""


def _heading(view: View, threshold: float) -> str:
    if not view.rows:
        return 'No person with an object found.'
    if not view.num_above:
        return f'Nothing above {threshold:.2f}; the best below:'
    count, shown = view.num_above, len(view.rows)
    best = f', the best {shown}' if shown < count else ''
    ending = '' if count == 1 else 's'
    return f'{count} interaction{ending} above {threshold:.2f}{best}'


def _render_downloads(picture: str, prediction: dict) -> str:
    data = _data_uri('application/json', json.dumps(prediction).encode())
    return (
        '<p class="downloads">'
        f'<a download="interactions.jpg" href="{picture}">Download picture</a>'
        f'<a download="interactions.json" href="{data}">Download JSON</a></p>'
    )


def _render_row(row: Row) -> str:
    return (
        f'<li tabindex="0"><span>{escape(row.sentence)}</span>'
        f'<b>{row.score:.2f}</b>'
        f'<i style="--score: {row.score:.3f}"></i></li>'
    )


def _render_pairs(view: View) -> str:
    """Render each row's pair over the dimmed photo."""
    height, width = view.photo.shape[:2]
    groups = ''.join(
        _render_pair(f'pair-{i}', row.boxes)
        for i, row in enumerate(view.rows, 1)
    )
    return (
        f'<svg viewBox="0 0 {width} {height}"><defs><image id="photo" '
        f'width="{width}" height="{height}" '
        f'href="{_jpeg(_reduce(view.photo, PHOTO_SIDE))}"/></defs>'
        f'{groups}</svg>'
    )


def _render_pair(name: str, boxes: List[List[float]]) -> str:
    rects = [
        f'x="{x1:.1f}" y="{y1:.1f}" width="{max(x2 - x1, 0):.1f}" '
        f'height="{max(y2 - y1, 0):.1f}"'
        for x1, y1, x2, y2 in boxes
    ]
    holes = ''.join(f'<rect {rect}/>' for rect in rects)
    outlines = ''.join(
        f'<rect class="{kind}" {rect}/>'
        for kind, rect in zip(('person', 'object'), rects)
    )
    return (
        f'<g><clipPath id="{name}">{holes}</clipPath><use href="#photo"/>'
        '<rect class="shade" width="100%" height="100%"/>'
        f'<use href="#photo" clip-path="url(#{name})"/>{outlines}</g>'
    )


def _highlight_rules(count: int) -> str:
    """Write the style rules that show the pair of a row.

    A row under the pointer takes precedence over the selected one.
    """
    rules = [
        f'.result:has(li:nth-child({i}):hover) g:nth-of-type({i}), '
        '.result:not(:has(li:hover)):has('
        f'li:nth-child({i}):focus) g:nth-of-type({i})'
        for i in range(1, count + 1)
    ]
    return f'<style>{", ".join(rules)} {{ opacity: 1 }}</style>'


def _reduce(photo: np.ndarray, side: int) -> np.ndarray:
    scale = side / max(photo.shape)
    if scale >= 1:
        return photo
    return cv2.resize(
        photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )


def _jpeg(pixels: np.ndarray) -> str:
    data = cv2.imencode('.jpg', pixels[..., ::-1])[1]
    return _data_uri('image/jpeg', data.tobytes())


def _data_uri(kind: str, data: bytes) -> str:
    return f'data:{kind};base64,{base64.b64encode(data).decode()}'
