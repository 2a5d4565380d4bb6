import re
from typing import Optional, Sequence

import torch

from .names import State, pack_qkv, rename, require, take

SOURCE = "Hugging Face's CLIP vision tower"
TOWER = r'vision_model\.'
LAYER = TOWER + r'encoder\.layers\.(\d+)\.'
RULES = [
    (TOWER + r'embeddings\.class_embedding', 'cls_token'),
    (TOWER + r'embeddings\.patch_embedding\.weight',
     'patch_embed.projection.weight'),
    (TOWER + r'embeddings\.position_embedding\.weight', 'pos_embed'),
    (TOWER + r'embeddings\.position_ids', None),
    (TOWER + r'pre_layrnorm\.(\w+)', r'pre_norm.\1'),
    (TOWER + r'post_layernorm\.(\w+)', r'ln1.\1'),
    (LAYER + r'layer_norm([12])\.(\w+)', r'layers.\1.ln\2.\3'),
    (LAYER + r'self_attn\.out_proj\.(\w+)', r'layers.\1.attn.proj.\2'),
    (LAYER + r'self_attn\.(.+)', r'layers.\1.attn.\2'),
    (LAYER + r'mlp\.fc1\.(\w+)', r'layers.\1.ffn.layers.0.0.\2'),
    (LAYER + r'mlp\.fc2\.(\w+)', r'layers.\1.ffn.layers.1.\2'),
    # The text tower and the projections of a complete CLIP.
    (r'text_model\..+|(?:text|visual)_projection\.weight|logit_scale', None),
]  # fmt: skip
ACTIVATIONS = dict(
    quick_gelu=dict(type='mmpretrain.QuickGELU'), gelu=dict(type='GELU')
)
# For pixels from 0 to 255 in RGB order, as in Hugging Face's processor.
CLIP_MEAN = [255 * x for x in (0.48145466, 0.4578275, 0.40821073)]
CLIP_STD = [255 * x for x in (0.26862954, 0.26130258, 0.27577711)]


def convert_clip_vision(
    state: State,
    config: dict,
    mean: Optional[Sequence[float]] = None,
    std: Optional[Sequence[float]] = None,
) -> tuple[State, dict]:
    """Convert a CLIP vision tower to ``mmpretrain.VisionTransformer``.

    Args:
        state (dict[str, Tensor]): Tensors of ``CLIPVisionModel`` or of a
            whole ``CLIPModel``.
        config (dict): Its config.json.
        mean (Sequence[float], optional): Mean by which the detector normalizes
            the tower's input images, RGB. The difference to CLIP's own is
            compensated in the weights. Defaults to CLIP's own.
        std (Sequence[float], optional): Standard deviation of the same
            normalization.

    Returns:
        tuple[dict[str, Tensor], dict]: mmpretrain's tensors; the checkpoint's
        meta with the config to build, ``visual_encoder``.

    Raises:
        ValueError: If they are of another model, or config.json is missing.
    """
    config = config.get('vision_config', config)
    if not config:
        raise ValueError(
            'the number of attention heads and the activation '
            'are in config.json only; put it beside the weights'
        )
    # Defaults that Hugging Face omits are those of ViT-B/32.
    defaults = dict(
        hidden_act='quick_gelu', layer_norm_eps=1e-5, num_attention_heads=12
    )
    config = {**defaults, **config}
    if config['hidden_act'] not in ACTIVATIONS:
        require(config, SOURCE, hidden_act='quick_gelu')
    state = pack_qkv(rename(state, RULES, SOURCE), 'qkv.', SOURCE)
    patches = take(state, 'patch_embed.projection.weight', SOURCE).float()
    positions = take(state, 'pos_embed', SOURCE).float()
    token = take(state, 'cls_token', SOURCE)
    if mean is not None or std is not None:
        if mean is None or std is None:
            raise ValueError('give mean and std together')
        mean, std, clip_mean, clip_std = (
            torch.tensor(x) for x in (mean, std, CLIP_MEAN, CLIP_STD)
        )
        shift, scale = (mean - clip_mean) / clip_std, std / clip_std
        # The shift is the same for every patch and is added to positions.
        positions = positions.clone()
        positions[1:] += torch.einsum('ochw,c->o', patches, shift)
        patches = patches * scale[:, None, None]
    state['patch_embed.projection.weight'] = patches
    state['pos_embed'] = positions[None]
    state['cls_token'] = token[None, None]
    layers = {
        match[1]
        for name in state
        if (match := re.match(r'layers\.(\d+)\.', name))
    }
    encoder = dict(
        type='mmpretrain.VisionTransformer',
        arch=dict(
            embed_dims=len(token),
            num_layers=len(layers),
            num_heads=config['num_attention_heads'],
            feedforward_channels=len(
                take(dict(state), 'layers.0.ffn.layers.0.0.bias', SOURCE)
            ),
        ),
        img_size=round((len(positions) - 1) ** 0.5) * patches.shape[-1],
        patch_size=patches.shape[-1],
        pre_norm=True,
        norm_cfg=dict(type='LN', eps=config['layer_norm_eps']),
        layer_cfgs=dict(act_cfg=ACTIVATIONS[config['hidden_act']]),
        out_type='featmap',
    )
    return state, dict(visual_encoder=encoder)
