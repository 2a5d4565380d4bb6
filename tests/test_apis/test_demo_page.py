"""HTML of the web demo."""

import base64
import json
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from clhoi_mm.apis.demo_page import (
    describe_model,
    render_examples,
    render_message,
    render_model,
    render_result,
)
from clhoi_mm.apis.demo_session import Row, View
from clhoi_mm.vocabulary import HOIVocabulary
from tests.tool_utils import MINI

PERSON, BICYCLE = [10.0, 5.0, 30.0, 45.0], [20.0, 25.0, 60.0, 50.0]
ROWS = [
    Row('a person rides a bicycle', 0.934, [PERSON, BICYCLE]),
    Row('a person smiles', 0.5, [PERSON]),
]


def make_view(rows, num_above):
    photo = np.zeros((60, 80, 3), np.uint8)
    picture = np.full((600, 720, 3), (200, 0, 0), np.uint8)
    prediction = dict(img_path='0', hois=dict(scores=[0.934, 0.5]))
    return View(photo, picture, rows, num_above, prediction)


class TagCollector(HTMLParser):
    """Parser that collects all tags with attributes, and the text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data.strip())

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_list_has_sentences_scores_and_bars():
    page = TagCollector(render_result(make_view(ROWS, 2), 0.3))
    texts = [text for text in page.text if text]
    assert texts[2:7] == [
        '2 interactions above 0.30',
        'a person rides a bicycle',
        '0.93',
        'a person smiles',
        '0.50',
    ]
    assert page.all('ol') == [{'class': 'above'}]
    assert [bar['style'] for bar in page.all('i')] == [
        '--score: 0.934',
        '--score: 0.500',
    ]


@pytest.mark.parametrize(
    'rows, num_above, heading',
    [
        (ROWS[:1], 1, '1 interaction above 0.30'),
        (ROWS, 7, '7 interactions above 0.30, the best 2'),
        (ROWS, 0, 'Nothing above 0.30; the best below:'),
        ([], 0, 'No person with an object found.'),
    ],
)
def test_headings(rows, num_above, heading):
    page = TagCollector(render_result(make_view(rows, num_above), 0.3))
    assert heading in page.text
    assert page.all('ol')[0]['class'] == ('above' if num_above else 'below')


def test_each_row_has_a_pair_to_highlight():
    html = render_result(make_view(ROWS, 2), 0.3)
    page = TagCollector(html)
    assert page.all('svg')[0]['viewbox'] == '0 0 80 60'
    boxes = [
        (rect['class'], rect['x'], rect['y'], rect['width'], rect['height'])
        for rect in page.all('rect')
        if rect.get('class') in ('person', 'object')
    ]
    assert boxes == [
        ('person', '10.0', '5.0', '20.0', '40.0'),
        ('object', '20.0', '25.0', '40.0', '25.0'),
        ('person', '10.0', '5.0', '20.0', '40.0'),
    ]
    assert len(page.all('g')) == len(page.all('li')) == 2
    for i in (1, 2):
        assert f'li:nth-child({i}):hover) g:nth-of-type({i})' in html


def test_downloads_are_picture_and_prediction():
    shown = make_view(ROWS, 2)
    page = TagCollector(render_result(shown, 0.3))
    files = {a['download']: a['href'] for a in page.all('a')}
    assert set(files) == {'interactions.jpg', 'interactions.json'}
    contents = {
        name: base64.b64decode(href.split('base64,')[1])
        for name, href in files.items()
    }
    assert json.loads(contents['interactions.json']) == shown.prediction
    pixels = np.frombuffer(contents['interactions.jpg'], np.uint8)
    picture = cv2.imdecode(pixels, cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(picture.astype(int) - shown.picture).max() <= 3


def test_all_text_is_escaped():
    evil = '<img src=x onerror=alert(1)>'
    row = Row(evil, 0.5, [PERSON])
    for html in (
        render_result(make_view([row], 1), 0.3),
        render_message(evil, 'error'),
        render_model({evil: evil}),
    ):
        assert evil not in html and '&lt;img' in html
    # No external resources are loaded.
    html = render_result(make_view(ROWS, 2), 0.3) + render_examples(
        [np.zeros((600, 800, 3), np.uint8)]
    )
    links = re.findall(r'(?:src|href)="(.*?)"', html)
    assert links and all(link.startswith(('data:', '#')) for link in links)


def test_model_description():
    cfg = Config.fromfile(MINI)
    vocabulary = HOIVocabulary.load('mini')
    facts = describe_model(cfg, vocabulary, '/some/where/run/epoch_20.pth')
    assert facts == {
        'Detector': 'RTMDet ResNet 18',
        'Vocabulary': 'mini: 35 interactions of 16 verbs and 11 objects',
        'Weights': 'run/epoch_20.pth',
        'Trained on': "data/mini: image-level pseudo-labels of a teacher's "
        'answers, no annotation',
    }
    cfg.pop('train_dataloader')
    cfg.model.teacher_head.supervision = 'instance'
    facts = describe_model(cfg, vocabulary, 'a.pth')
    assert facts['Trained on'] == 'annotated pairs'
