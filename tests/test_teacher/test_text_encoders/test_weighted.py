"""Encoders with weights, each with a tiny saved model."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from clhoi_mm.teacher import CLIPTextEncoder, build_text_encoder
from clhoi_mm.teacher.text_encoders.tower import SINCE

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')
import tiny_text_models as tiny

MAKERS = dict(
    clip=(tiny.make_clip, 'CLIPTextEncoder', {}),
    clip_both=(tiny.make_clip, 'CLIPTextEncoder', dict(both=True)),
    siglip=(tiny.make_siglip, 'SigLIPTextEncoder', {}),
    siglip_both=(tiny.make_siglip, 'SigLIPTextEncoder', dict(both=True)),
    siglip2=(tiny.make_siglip, 'SigLIPTextEncoder', dict(kind='Siglip2')),
    siglip2_both=(
        tiny.make_siglip,
        'SigLIPTextEncoder',
        dict(kind='Siglip2', both=True),
    ),
    sentence=(tiny.make_sentence, 'SentenceTextEncoder', {}),
)
LONG = (
    'A man rides a horse on the long road. The dog is with his bicycle '
    'and a woman is riding on the horse on a road.'
)


def clip_text_model(path):
    """Compute with transformers only; Python 3.14 needs the config."""
    return transformers.CLIPTextModelWithProjection.from_pretrained(
        path, config=transformers.CLIPTextConfig.from_pretrained(path)
    )


@pytest.fixture(scope='module')
def make_config(tmp_path_factory):
    """Build the config of an encoder by name."""
    made = {}

    def make(name):
        if name not in made:
            builder, kind, options = MAKERS[name]
            folder = tmp_path_factory.mktemp('text') / name
            builder(folder, **options)
            made[name] = dict(type=kind, path=str(folder))
        return dict(made[name])

    return make


@pytest.fixture(params=MAKERS)
def config(request, make_config):
    return make_config(request.param)


def test_unit_vectors_for_any_batch_size(config):
    encoder = build_text_encoder(dict(config, batch_size=2))
    texts = ['a dog', 'a person riding a bicycle', LONG, 'ride', '']
    rows = encoder.encode(texts)
    assert rows.shape == (5, encoder.dim) and rows.dtype == np.float32
    assert (
        encoder.dim
        == dict(
            CLIPTextEncoder=12,
            SigLIPTextEncoder=rows.shape[1],
            SentenceTextEncoder=16,
        )[config['type']]
    )
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, rows):
        np.testing.assert_allclose(encoder.encode([text])[0], row, atol=1e-5)
    assert abs(rows[0] @ rows[3]) < 0.999
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_long_text_is_the_mean_of_pieces_that_fit(config):
    encoder = build_text_encoder(config)
    words = 'a person is riding the horse and a dog is on the road'.split()
    many = ' '.join(words * 3)
    seen, embed = [], encoder._embed
    for text in (LONG, many):
        seen.clear()
        encoder._embed = lambda texts: seen.extend(texts) or embed(texts)
        row = encoder.encode([text])[0]
        encoder._embed = embed
        assert len(seen) > 1 and ' '.join(seen) == text
        assert max(encoder._lengths(seen)) <= encoder.max_length
        mean = encoder.encode(seen).mean(0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-5)
    # The end of a long text has an effect.
    other = encoder.encode([many, many + ' bicycle with a woman'])
    assert other[0] @ other[1] < 0.99999


def test_single_overlong_word_is_truncated(make_config):
    encoder = build_text_encoder(make_config('clip'))
    assert encoder._lengths(['x' * 500])[0] > encoder.max_length
    np.testing.assert_allclose(
        encoder.encode(['x' * 500]), encoder.encode(['x' * 400]), atol=1e-6
    )


@pytest.mark.parametrize('name', ['clip', 'siglip', 'siglip2'])
def test_too_old_transformers_is_an_error(name, make_config, monkeypatch):
    kind = dict(
        clip='CLIPTextModelWithProjection',
        siglip='SiglipTextModel',
        siglip2='Siglip2TextModel',
    )[name]
    config = make_config(name)
    old = SimpleNamespace(
        PretrainedConfig=transformers.PretrainedConfig, __version__='4.0'
    )
    monkeypatch.setitem(sys.modules, 'transformers', old)
    with pytest.raises(ImportError, match=f'>={SINCE[kind]}; 4.0 is inst'):
        build_text_encoder(config)


@pytest.mark.parametrize('name', ['clip', 'siglip', 'siglip2'])
def test_equals_transformers_forward(name, make_config):
    config = make_config(name)
    path = config['path']
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    if name == 'clip':
        model = clip_text_model(path)
        tokens, output = tokenizer(['a dog'], return_tensors='pt'), 0
    else:
        model = dict(
            siglip=transformers.SiglipTextModel,
            siglip2=transformers.Siglip2TextModel,
        )[name].from_pretrained(path)
        tokens, output = tokenizer(
            ['a dog'], padding='max_length', max_length=16,
            return_tensors='pt'), 1  # fmt: skip
    with torch.no_grad():
        expected = model.eval()(input_ids=tokens['input_ids'])[output][0]
    expected = (expected / expected.norm()).numpy()
    row = build_text_encoder(config).encode(['A dog'])[0]
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_text_tower_equals_the_whole_model(make_config):
    config = make_config('siglip_both')
    model = transformers.SiglipModel.from_pretrained(config['path']).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(config['path'])
    tokens = tokenizer(['a horse'], padding='max_length', max_length=16,
                       return_tensors='pt')  # fmt: skip
    with torch.no_grad():
        expected = model.get_text_features(input_ids=tokens['input_ids'])
    expected = getattr(expected, 'pooler_output', expected)[0]
    expected = (expected / expected.norm()).numpy()
    row = build_text_encoder(config).encode(['a horse'])[0]
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_saved_pooling_is_used(make_config):
    path = make_config('sentence')['path']
    model = transformers.AutoModel.from_pretrained(path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    with torch.no_grad():
        expected = model(**tokenizer(['a dog'], return_tensors='pt'))[0][0]
    expected = expected.mean(0)
    expected = (expected / expected.norm()).numpy()
    row = build_text_encoder(make_config('sentence')).encode(['a dog'])[0]
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_identity_covers_what_changes_the_output(tmp_path, make_config):
    config = make_config('clip')
    first = build_text_encoder(config).identity

    def identity(change):
        folder = tmp_path / change.__name__
        tokenizer = transformers.CLIPTokenizer.from_pretrained(config['path'])
        model = clip_text_model(config['path'])
        tokenizer.save_pretrained(folder)
        change(folder, model)
        return CLIPTextEncoder(str(folder)).identity

    def same(folder, model):
        model.save_pretrained(folder)

    def weights(folder, model):
        with torch.no_grad():
            model.text_projection.weight[0, 0] += 1
        model.save_pretrained(folder)

    def heads(folder, model):
        model.config.num_attention_heads = 4
        model.save_pretrained(folder)

    def words(folder, model):
        tiny.clip_tokenizer(folder, pairs=('i d', 'id e'))
        model.save_pretrained(folder)

    assert identity(same) == first
    others = [identity(change) for change in (weights, heads, words)]
    assert len({first, *others}) == 4


def test_identity_of_sentence_models_includes_pooling_and_prompt(
    tmp_path, make_config
):
    config = make_config('sentence')
    tiny.make_sentence(tmp_path / 'cls', 'cls')
    encoders = [
        build_text_encoder(config),
        build_text_encoder(dict(config, path=str(tmp_path / 'cls'))),
        build_text_encoder(dict(config, prompt='person ')),
    ]
    assert len({encoder.identity for encoder in encoders}) == 3
    rows = np.stack([encoder.encode(['a dog'])[0] for encoder in encoders])
    assert (rows @ rows.T)[np.triu_indices(3, 1)].max() < 0.9999


def test_16_bit_weights_are_loaded_as_float32(tmp_path, make_config):
    path = make_config('clip')['path']
    model = clip_text_model(path)
    transformers.CLIPTokenizer.from_pretrained(path).save_pretrained(tmp_path)
    model.half().save_pretrained(tmp_path)
    encoder = CLIPTextEncoder(str(tmp_path))
    assert {p.dtype for p in encoder.model.parameters()} == {torch.float32}
    assert np.isfinite(encoder.encode(['a dog'])).all()


def test_wrong_or_incomplete_weights_are_errors(tmp_path, make_config):
    for kind, name, example in (
        ('CLIP', 'siglip', 'clip-vit'),
        ('SigLIP', 'clip', 'siglip2-base'),
    ):
        with pytest.raises(FileNotFoundError, match='hf download') as error:
            build_text_encoder(
                dict(type=f'{kind}TextEncoder', path=str(tmp_path / 'none'))
            )
        assert str(tmp_path / 'none') in str(error.value)
        assert example in str(error.value)
        with pytest.raises(ValueError, match='is a model of type'):
            build_text_encoder(
                dict(make_config(name), type=f'{kind}TextEncoder')
            )
    with pytest.raises(FileNotFoundError, match='modules.json'):
        build_text_encoder(
            dict(type='SentenceTextEncoder', path=str(tmp_path / 'none'))
        )

    from safetensors.torch import load_file, save_file

    path = make_config('clip')['path']
    model = clip_text_model(path)
    transformers.CLIPTokenizer.from_pretrained(path).save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / 'model.safetensors')
    tensors.pop('text_projection.weight')
    save_file(tensors, tmp_path / 'model.safetensors', dict(format='pt'))
    with pytest.raises(ValueError, match='lacks 1 weights'):
        CLIPTextEncoder(str(tmp_path))


def test_real_clip_vocabulary(tmp_path):
    tiny.make_clip(tmp_path, tiny.real_clip_tokenizer, length=77)
    encoder = CLIPTextEncoder(str(tmp_path))
    ids = encoder._token_ids(['a photo of a cat', 'Pedalling'])
    assert ids[0] == [49406, 320, 1125, 539, 320, 2368, 49407]
    caption = ' '.join(
        f'A man in a red shirt is riding his bicycle past shop number {n}.'
        for n in range(9)
    )
    assert encoder._lengths([caption])[0] > 77
    ends = encoder.encode([caption, caption + ' A dog is watching them all.'])
    assert 0.5 < ends[0] @ ends[1] < 0.99999


def test_teacher_imports_neither_torch_nor_transformers():
    code = (
        'import sys, clhoi_mm.teacher; print([m for m in ("torch", '
        '"transformers", "sentence_transformers", "mmengine", "mmcv", '
        '"mmdet") if m in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code],
                          env={'PYTHONPATH': ':'.join(sys.path)},
                          check=True, capture_output=True,
                          text=True)  # fmt: skip
    assert done.stdout.strip() == '[]'
