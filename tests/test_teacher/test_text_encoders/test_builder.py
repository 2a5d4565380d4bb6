import pytest

from clhoi_mm.teacher import HashedTextEncoder, build_text_encoder


def test_builds_by_type_and_leaves_the_config_alone():
    cfg = dict(type='HashedTextEncoder', dim=64)
    encoder = build_text_encoder(cfg)
    assert isinstance(encoder, HashedTextEncoder) and encoder.dim == 64
    assert cfg == dict(type='HashedTextEncoder', dim=64)


@pytest.mark.parametrize('cfg', [dict(type='BERT'), dict(dim=3)])
def test_unknown_type_lists_the_known(cfg):
    known = 'CLIPTextEncoder, HashedTextEncoder, Sent'
    with pytest.raises(KeyError, match=known):
        build_text_encoder(cfg)
