"""The code of docs/extending.md runs and works as stated."""

import json

import cv2
import numpy as np
import pytest

from clhoi_mm.registry import MODELS
from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.text_encoders import (
    TEXT_ENCODERS,
    HashedTextEncoder,
    build_text_encoder,
)
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO
from tests.test_docs.pages import blocks
from tests.tool_utils import (
    NO_WORKERS,
    TRAIN,
    make_world,
    options,
    read_losses,
    run_command,
)

PAGE = REPO / 'docs' / 'extending.md'
CODE = [block for block in blocks(PAGE, 'python') if 'import' in block]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the block containing a word; return its names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        TEXT_ENCODERS, '_classes', dict(TEXT_ENCODERS._classes)
    )

    def run(word):
        (block,) = [block for block in CODE if word in block]
        names = dict(__name__='mine')
        exec(compile(block, str(PAGE), 'exec'), names)
        return names

    yield run
    MODELS.module_dict.pop('SparseInteractionLoss', None)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a mini world with the page's module and config."""
    folder = make_world(tmp_path_factory.mktemp('world'), 8, 2, 2)
    modules = [b for b in CODE if 'register' in b]
    (folder / 'mine.py').write_text('\n\n'.join(modules))
    configs = [b for b in blocks(PAGE, 'python') if 'custom_imports' in b]
    for name, config in zip(('loss', 'encoder'), configs, strict=True):
        relative = "_base_ = 'configs/"
        assert relative in config
        (folder / f'my_{name}.py').write_text(
            config.replace(relative, f"_base_ = '{REPO}/configs/")
        )
    return folder


def train(world, config, *values):
    """Train three epochs: context, interactions, self-distillation."""
    run_command(
        'python',
        TRAIN,
        f'{config}.py',
        *options(
            *NO_WORKERS,
            'train_dataloader.batch_size=4',
            'train_cfg.max_epochs=3',
            'custom_hooks.DistillStageHook.context_epochs=1',
            'custom_hooks.SelfDistillHook.epochs=[2]',
            'default_hooks.logger.interval=1',
            'log_processor.window_size=1',
            *values,
        ),
        cwd=world,
        modules=world,
    ).check()
    losses = read_losses(world / 'work_dirs' / config)
    assert len(losses) == 6
    assert all(
        np.isfinite(list(step.values())).all() for step in losses.values()
    )
    return [losses[step] for step in sorted(losses)]


def test_loss(world):
    """Train both stages and a round of self-distillation."""
    losses = train(
        world, 'my_loss', 'model.interaction_loss.sparse_weight=0.5'
    )
    for step in losses[:2]:
        assert 'loss_context' in step and 'loss_sparse' not in step
    for step in losses[2:]:
        assert 0 < step['loss_sparse'] < 0.5 and 'loss_mil' in step
        terms = [v for k, v in step.items() if k.startswith('loss_')]
        assert step['loss'] == pytest.approx(sum(terms), rel=1e-3)


@pytest.mark.slow
def test_text_encoder_trains(world):
    """Build a cache with the page's encoder; train on it."""
    encoder = '{"type": "LetterTextEncoder"}'
    cache = 'letters'
    (world / cache).mkdir()
    run_command(
        *('python', REPO / 'tools/teacher/simulate.py'),
        *('--ann', 'data/mini/annotations/train.json'),
        *('--vocabulary', 'mini', '--preset', 'perfect', '--out', cache),
        cwd=world,
    ).check()
    run_command(
        *('python', REPO / 'tools/teacher/annotate.py', 'run'),
        *('--vocab', 'mini', '--images', 'data/mini/train'),
        *('--image-root', 'data/mini', '--out', 'answers'),
        *('--backend', 'replay', '--options', f'raw={cache}/raw.jsonl'),
        *('--stages', 'describe', 'parse', 'embed', 'pack'),
        *('--import', 'mine', '--text-encoder', encoder),
        cwd=world,
        modules=world,
    ).check()
    losses = train(
        world,
        'my_encoder',
        'train_dataloader.dataset.pipeline.LoadTeacherKnowledge.cache=answers',
    )
    assert 'loss_mil' in losses[-1]


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
    # Running the page twice is allowed, name collisions are not.
    run('class LetterTextEncoder')
    other = type('HashedTextEncoder', (), {})
    with pytest.raises(KeyError, match='HashedTextEncoder'):
        TEXT_ENCODERS.register_module()(other)
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
