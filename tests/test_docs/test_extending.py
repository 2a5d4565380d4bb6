"""The code of docs/extending.md runs and does what it says."""

import json

import cv2
import numpy as np
import pytest

from clhoi_mm.models import InteractionDistillLoss
from clhoi_mm.registry import MODELS
from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.text_encoders import (
    HashedTextEncoder,
    build_text_encoder,
    builder,
    register_text_encoder,
)
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO
from tests.test_docs.pages import blocks
from tests.tool_utils import run_command

PAGE = REPO / 'docs' / 'extending.md'
CODE = [block for block in blocks(PAGE, 'python') if 'import' in block]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the block that has a word in it, and gives its names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        builder, '_TEXT_ENCODERS', dict(builder._TEXT_ENCODERS)
    )

    def run(word):
        (block,) = [block for block in CODE if word in block]
        names = dict(__name__='mine')
        exec(compile(block, str(PAGE), 'exec'), names)
        return names

    yield run
    MODELS.module_dict.pop('SparseInteractionLoss', None)


def test_loss(run, monkeypatch):
    import torch

    run('class SparseInteractionLoss')
    loss = MODELS.build(dict(type='SparseInteractionLoss', sparse_weight=0.5))
    monkeypatch.setattr(
        InteractionDistillLoss,
        'forward',
        lambda *args: dict(loss_interaction=torch.ones(())),
    )
    thought = type('Interactions', (), {})()
    thought.interactiveness = torch.zeros(2, 1)
    losses = loss(thought, None, None, None)
    # Two pairs, each interacting with probability 1/2.
    assert losses['loss_sparse'] == 0.25 and losses['loss_interaction'] == 1


def test_verb(run, tmp_path):
    run('mini_and_push')
    new = HOIVocabulary.load(str(tmp_path / 'mini_and_push.json'))
    old = HOIVocabulary.load('mini')
    assert new.num_hois == old.num_hois + 3
    assert list(new.names[-3:]) == [
        'push bicycle',
        'push car',
        'push suitcase',
    ]
    assert new.names[: old.num_hois] == old.names


def test_text_encoder(run):
    run('class LetterTextEncoder')
    encoder = build_text_encoder(dict(type='LetterTextEncoder'))
    rows = encoder.encode(['abba', 'zz', ''])
    assert rows.shape == (3, encoder.dim)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0].argmax() in (0, 1) and rows[1].argmax() == 25
    assert encoder.encode([]).shape == (0, encoder.dim)
    # The page may be run twice, but no other class may take a name.
    run('class LetterTextEncoder')
    other = type('HashedTextEncoder', (), {})
    with pytest.raises(ValueError, match='HashedTextEncoder'):
        register_text_encoder(other)
    assert (
        type(build_text_encoder(dict(type='HashedTextEncoder')))
        is HashedTextEncoder
    )


def test_text_encoder_packs_a_cache(tmp_path):
    (block,) = [block for block in CODE if 'class LetterTextEncoder' in block]
    (tmp_path / 'mine.py').write_text(block)
    (tmp_path / 'images').mkdir()
    cv2.imwrite(
        str(tmp_path / 'images' / 'a.png'), np.zeros((8, 8, 3), np.uint8)
    )
    (tmp_path / 'raw.jsonl').write_text(
        '{"image_id": "a.png", "kind": "caption", '
        '"text": "A man rides a horse."}\n'
    )
    run_command(
        'env',
        f'PYTHONPATH={tmp_path}:{REPO}',
        'python',
        REPO / 'tools' / 'teacher' / 'annotate.py',
        'run',
        '--vocab',
        'mini',
        '--images',
        'images',
        '--out',
        'teacher',
        '--backend',
        'replay',
        '--options',
        'raw=raw.jsonl',
        '--stages',
        'describe',
        'parse',
        'embed',
        'pack',
        '--import',
        'mine',
        '--text-encoder',
        '{"type": "LetterTextEncoder"}',
        cwd=tmp_path,
    ).check()
    cache = TeacherCache(tmp_path / 'teacher')
    assert 'LetterTextEncoder' in json.dumps(cache.manifest)
    assert cache.manifest['counts']['images'] == 1
