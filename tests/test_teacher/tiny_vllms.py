"""Tiny VLLMs with random weights, built from configs and saved."""

from pathlib import Path

TURNS = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}"
    '{% endif %}{% endfor %}{% endfor %}'
    '{% if add_generation_prompt %} ASSISTANT:{% endif %}'
)


def _make_tokenizer(special):
    """Build a byte-level tokenizer for arbitrary text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=['input_ids', 'attention_mask'],
        pad_token='<pad>',
        eos_token='</s>',
        additional_special_tokens=list(special),
    )


def make_llava(folder: Path) -> Path:
    """Save a LLaVA, with fixed numbers of image tokens."""
    import torch
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = _make_tokenizer(['<image>'])
    processor = LlavaProcessor(
        CLIPImageProcessor(
            size=dict(shortest_edge=28), crop_size=dict(height=28, width=28)
        ),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy='default',
        image_token='<image>',
        num_additional_image_tokens=1,
        chat_template=TURNS.replace('IMAGE', '<image>\n'),
    )
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, image_size=28, patch_size=14),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64,
            num_hidden_layers=2, num_attention_heads=2,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id, initializer_range=0.3),
        image_token_index=tokenizer.convert_tokens_to_ids('<image>'),
        vision_feature_layer=-1)  # fmt: skip
    return _save(LlavaForConditionalGeneration(config), processor, folder)


def make_qwen2_vl(folder: Path) -> Path:
    """Save a Qwen2-VL, with image tokens by size."""
    import torch
    from transformers import (
        Qwen2TokenizerFast,
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    special = (
        '<|vision_start|>',
        '<|vision_end|>',
        '<|image_pad|>',
        '<|video_pad|>',
    )
    tokenizer = Qwen2TokenizerFast(
        tokenizer_object=_make_tokenizer(special).backend_tokenizer,
        model_input_names=['input_ids', 'attention_mask'],
        pad_token='<pad>',
        eos_token='</s>',
        additional_special_tokens=list(special),
    )
    size = dict(min_pixels=28 * 28, max_pixels=8 * 28 * 28)
    processor = Qwen2VLProcessor(
        Qwen2VLImageProcessor(**size),
        tokenizer,
        Qwen2VLVideoProcessor(**size),
        chat_template=TURNS.replace(
            'IMAGE', '<|vision_start|><|image_pad|><|vision_end|>'
        ),
    )
    ids = dict(
        zip(
            (
                'vision_start_token_id',
                'vision_end_token_id',
                'image_token_id',
                'video_token_id',
            ),
            tokenizer.convert_tokens_to_ids(special),
        )
    )
    torch.manual_seed(0)
    config = Qwen2VLConfig(
        text_config=dict(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64,
            num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
            initializer_range=0.3, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            rope_scaling=dict(type='mrope', mrope_section=[2, 3, 3])),
        vision_config=dict(
            depth=2, embed_dim=16, hidden_size=32, num_heads=2, mlp_ratio=2,
            patch_size=14),
        **ids)  # fmt: skip
    return _save(Qwen2VLForConditionalGeneration(config), processor, folder)


def _save(model, processor, folder: Path) -> Path:
    ends = model.config.text_config.eos_token_id
    model.generation_config.eos_token_id = ends
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
