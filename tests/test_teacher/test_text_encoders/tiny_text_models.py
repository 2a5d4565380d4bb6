"""Tiny text models with random weights in their real layout."""

import gzip
import importlib.util
import json
from pathlib import Path

import pytest

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')
WORDS = (
    'a person man woman dog horse bicycle riding rides ride on and long '
    'road is the with his .'
).split()
SIZES = dict(
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
)


def word_tokenizer(folder, lower=False, **special):
    """Build a whole-word tokenizer with right padding."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    tokens = ['<pad>', '<unk>', '<bos>', '<eos>', *WORDS]
    core = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(tokens)}, '<unk>')
    )
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    if lower:
        core.normalizer = normalizers.Lowercase()
    core.post_processor = TemplateProcessing(
        single='$A <eos>', special_tokens=[('<eos>', 3)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token='<pad>', unk_token='<unk>',
        eos_token='<eos>', **special).save_pretrained(folder)  # fmt: skip
    return len(tokens)


def clip_tokenizer(folder, pairs=('r i', 'ri d')):
    """Build CLIP's tokenizer over letters and a few merges."""
    letters = [chr(code) for code in range(ord('a'), ord('z') + 1)] + ['.']
    tokens = [*letters, *(f'{c}</w>' for c in letters)]
    tokens += [pair.replace(' ', '') for pair in pairs]
    return _save_clip_tokenizer(folder, tokens, pairs)


def real_clip_tokenizer(folder):
    """Load CLIP's vocabulary from an installed package."""
    found = importlib.util.find_spec('open_clip')
    if found is None:
        pytest.skip("CLIP's vocabulary: pip install --no-deps open_clip_torch")
    path = Path(found.origin).with_name('bpe_simple_vocab_16e6.txt.gz')
    pairs = gzip.decompress(path.read_bytes()).decode().split('\n')
    pairs = pairs[1 : 49152 - 256 - 2 + 1]
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    tokens = letters + [f'{letter}</w>' for letter in letters]
    tokens += [pair.replace(' ', '') for pair in pairs]
    return _save_clip_tokenizer(folder, tokens, pairs)


def _save_clip_tokenizer(folder, tokens, pairs):
    tokens = [*tokens, '<|startoftext|>', '<|endoftext|>']
    vocab = {token: i for i, token in enumerate(tokens)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'vocab.json').write_text(json.dumps(vocab))
    (folder / 'merges.txt').write_text('\n'.join(['#version: 0.2', *pairs]))
    transformers.CLIPTokenizer(
        str(folder / 'vocab.json'), str(folder / 'merges.txt')
    ).save_pretrained(folder)
    return len(tokens)


def make_clip(folder, tokenizer=clip_tokenizer, length=16, both=False):
    """Save CLIP's text tower, optionally with the image tower."""
    size = tokenizer(folder)
    torch.manual_seed(0)
    text = dict(
        SIZES,
        vocab_size=size,
        max_position_embeddings=length,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
    )
    if both:
        vision = dict(SIZES, image_size=16, patch_size=8)
        model = transformers.CLIPModel(
            transformers.CLIPConfig(
                text_config=text, vision_config=vision, projection_dim=12
            )
        )
    else:
        model = transformers.CLIPTextModelWithProjection(
            transformers.CLIPTextConfig(**text, projection_dim=12)
        )
    model.save_pretrained(folder)


def make_siglip(folder, kind='Siglip', both=False):
    """Save SigLIP's or SigLIP2's text tower, optionally both towers."""
    text = dict(
        SIZES,
        vocab_size=word_tokenizer(folder),
        projection_size=12,
        max_position_embeddings=16,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    if both:
        vision = dict(SIZES, patch_size=8)
        vision.update(
            dict(image_size=16) if kind == 'Siglip' else dict(num_patches=4)
        )
        config = getattr(transformers, f'{kind}Config')(
            text_config=text, vision_config=vision
        )
        model = getattr(transformers, f'{kind}Model')(config)
    else:
        config = getattr(transformers, f'{kind}TextConfig')(**text)
        model = getattr(transformers, f'{kind}TextModel')(config)
    # The default is another value, and zeros would test nothing.
    torch.nn.init.normal_(
        (
            model.text_model if hasattr(model, 'text_model') else model
        ).head.weight
    )
    model.save_pretrained(folder)


def make_sentence(folder, pooling='mean'):
    """Save a sentence-transformers model: a small BERT and its pooling."""
    sentence_transformers = pytest.importorskip('sentence_transformers')
    bert = folder.with_name(f'{folder.name}-bert')
    size = word_tokenizer(bert, lower=True, model_max_length=16)
    torch.manual_seed(0)
    transformers.BertModel(
        transformers.BertConfig(
            **SIZES, vocab_size=size, max_position_embeddings=16
        )
    ).save_pretrained(bert)
    from sentence_transformers.sentence_transformer import modules

    body = modules.Transformer(str(bert), max_seq_length=16)
    sentence_transformers.SentenceTransformer(
        modules=[body, modules.Pooling(SIZES['hidden_size'], pooling)],
        device='cpu',
    ).save(str(folder))
