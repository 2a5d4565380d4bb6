import pytest

from clhoi_mm.teacher import HashedTextEncoder, build_text_encoder
from clhoi_mm.teacher.text_encoders import parse_text_encoder
from clhoi_mm.teacher.text_encoders.model_folder import find_model_folder


def test_builds_by_type_and_leaves_the_config_alone():
    cfg = dict(type='HashedTextEncoder', dim=64)
    encoder = build_text_encoder(cfg)
    assert isinstance(encoder, HashedTextEncoder) and encoder.dim == 64
    assert cfg == dict(type='HashedTextEncoder', dim=64)


@pytest.mark.parametrize('cfg', [dict(type='BERT'), dict(dim=3)])
def test_unknown_type_error_lists_the_known_types(cfg):
    known = 'CLIPTextEncoder, HashedTextEncoder, Sent'
    with pytest.raises(KeyError, match=known):
        build_text_encoder(cfg)


@pytest.mark.parametrize(
    'name, cfg',
    [
        ('hashed', dict(type='HashedTextEncoder', dim=256)),
        ('hashed:32', dict(type='HashedTextEncoder', dim=32)),
        ('openai/clip', dict(type='CLIPTextEncoder', path='openai/clip')),
        ('siglip:a/b', dict(type='SigLIPTextEncoder', path='a/b')),
        (
            'sentence:package:a/b',
            dict(type='SentenceTextEncoder', path='package:a/b'),
        ),
        ('C:/clip', dict(type='CLIPTextEncoder', path='C:/clip')),
        ('{"type": "Mine"}', dict(type='Mine')),
    ],
)
def test_encoder_names(name, cfg):
    assert parse_text_encoder(name) == cfg


def test_built_by_name():
    assert build_text_encoder('hashed:32').dim == 32


def test_non_numeric_length_is_an_error():
    with pytest.raises(ValueError, match="'wide' is not the length"):
        parse_text_encoder('hashed:wide')


def test_invalid_json_is_an_error():
    with pytest.raises(ValueError, match='"type": no JSON'):
        parse_text_encoder('{"type"')


def test_model_folder_of_an_installed_package(tmp_path, monkeypatch):
    """The package is located without importing it."""
    package = tmp_path / 'some_weights'
    (package / 'model').mkdir(parents=True)
    (package / '__init__.py').write_text('raise RuntimeError')
    monkeypatch.syspath_prepend(tmp_path)
    assert find_model_folder('package:some_weights/model') == str(
        package / 'model'
    )
    assert find_model_folder('package:some_weights') == str(package)
    assert find_model_folder('sentence-transformers/a') == (
        'sentence-transformers/a'
    )
    with pytest.raises(FileNotFoundError, match='no folder .*some_weights.x'):
        find_model_folder('package:some_weights/x')


def test_model_folder_of_a_missing_package():
    with pytest.raises(
        ImportError, match='install --no-deps other-weights brings'
    ):
        find_model_folder('package:other_weights/model')
    with pytest.raises(ValueError, match='write package:NAME/FOLDER'):
        find_model_folder('package:some-weights/model')
