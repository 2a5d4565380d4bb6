import json
from types import SimpleNamespace

from mmengine.config import Config

from clhoi_mm.engine import JsonConfigHook
from clhoi_mm.vocabulary import HOIVocabulary


def test_custom_vocabulary_is_saved_in_checkpoints(tmp_path):
    own = HOIVocabulary.load('mini')
    own.save(tmp_path / 'own.json')
    cfg = Config(
        dict(
            model=dict(vocabulary=str(tmp_path / 'own.json'), sizes=(1, 2)),
            pipeline=[dict(vocabulary='hico_det'), 'vocabulary'],
        )
    )
    checkpoint = dict(meta=dict(cfg='python'))
    JsonConfigHook().before_save_checkpoint(
        SimpleNamespace(cfg=cfg), checkpoint
    )
    assert json.loads(checkpoint['meta']['cfg']) == dict(
        model=dict(vocabulary=own.to_dict(), sizes=[1, 2]),
        pipeline=[dict(vocabulary='hico_det'), 'vocabulary'],
    )
