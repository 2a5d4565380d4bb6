import json
import subprocess
import sys

import numpy as np
import pytest

from clhoi_mm.teacher import CLIPTextEncoder, build_text_encoder

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')


@pytest.fixture(scope='module')
def clip_folder(tmp_path_factory):
    """A tiny CLIP text tower with random weights and a letters' tokenizer."""
    folder = tmp_path_factory.mktemp('clip')
    letters = 'abcdefghijklmnopqrstuvwxyz'
    tokens = [*letters, *(f'{c}</w>' for c in letters), 'ri', 'rid']
    tokens += ['<|startoftext|>', '<|endoftext|>']
    vocab = {token: i for i, token in enumerate(tokens)}
    (folder / 'vocab.json').write_text(json.dumps(vocab))
    (folder / 'merges.txt').write_text('#version: 0.2\nr i\nri d\n')
    transformers.CLIPTokenizer(
        str(folder / 'vocab.json'),
        str(folder / 'merges.txt')).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokens), hidden_size=16, intermediate_size=32,
        num_hidden_layers=2, num_attention_heads=2, projection_dim=12,
        max_position_embeddings=16, bos_token_id=54, eos_token_id=55,
        pad_token_id=55)  # yapf: disable
    transformers.CLIPTextModelWithProjection(config).save_pretrained(folder)
    return folder


def test_unit_rows_whatever_the_batch(clip_folder):
    encoder = build_text_encoder(
        dict(type='CLIPTextEncoder', path=str(clip_folder), batch_size=2))
    texts = ['a dog', 'a person riding a bicycle on a long road', 'ride']
    rows = encoder.encode(texts)
    assert rows.shape == (3, 12) == (3, encoder.dim)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, rows):
        np.testing.assert_allclose(encoder.encode([text])[0], row, atol=1e-5)
    assert abs(rows[0] @ rows[2]) < 0.999
    assert encoder.encode([]).shape == (0, 12)


def test_agrees_with_transformers_own_forward(clip_folder):
    tokenizer = transformers.CLIPTokenizer.from_pretrained(clip_folder)
    model = transformers.CLIPTextModelWithProjection.from_pretrained(
        clip_folder).eval()
    with torch.no_grad():
        expected = model(**tokenizer(['a dog'], return_tensors='pt'))[0][0]
    expected = (expected / expected.norm()).numpy()
    row = CLIPTextEncoder(str(clip_folder)).encode(['a dog'])[0]
    np.testing.assert_allclose(row, expected, atol=1e-5)


def test_identity_follows_the_weights_not_the_path(clip_folder, tmp_path):
    first = CLIPTextEncoder(str(clip_folder))
    model = transformers.CLIPTextModelWithProjection.from_pretrained(
        clip_folder)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(clip_folder)
    model.save_pretrained(tmp_path / 'same')
    tokenizer.save_pretrained(tmp_path / 'same')
    with torch.no_grad():
        model.text_projection.weight[0, 0] += 1
    model.save_pretrained(tmp_path / 'other')
    tokenizer.save_pretrained(tmp_path / 'other')
    assert CLIPTextEncoder(str(tmp_path / 'same')).identity == first.identity
    assert CLIPTextEncoder(str(tmp_path / 'other')).identity != first.identity


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match='hf download') as error:
        CLIPTextEncoder(str(tmp_path / 'nowhere'))
    assert str(tmp_path / 'nowhere') in str(error.value)


def test_teacher_imports_neither_torch_nor_transformers():
    code = ('import sys, clhoi_mm.teacher; print([m for m in ("torch", '
            '"transformers", "mmengine", "mmcv", "mmdet") '
            'if m in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code],
                          env={'PYTHONPATH': ':'.join(sys.path)},
                          check=True, capture_output=True,
                          text=True)  # yapf: disable
    assert done.stdout.strip() == '[]'
