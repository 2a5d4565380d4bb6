import torch
from mmdet.models.layers import DinoTransformerDecoder
from torch import Tensor

from .classes import pick_classes
from .names import State, count_batches, rename, take

SOURCE = "detrex's DINO R50"
# Original names, or copies of the head's under the decoder's name.
BRANCH = r'(?:transformer\.decoder\.)?'
LAYER = r'transformer\.(encoder|decoder)\.layers\.(\d+)\.'
RULES = [
    (r'pixel_(?:mean|std)|criterion\..+', None),
    (r'backbone\.stem\.conv1\.weight', 'backbone.conv1.weight'),
    (r'backbone\.stem\.conv1\.norm\.(\w+)', r'backbone.bn1.\1'),
    (r'backbone\.res(\d)\.(\d+)\.conv(\d)\.(norm\.)?(\w+)',
     lambda m: f'backbone.layer{int(m[1]) - 1}.{m[2]}.'
     f'{"bn" if m[4] else "conv"}{m[3]}.{m[5]}'),
    (r'backbone\.res(\d)\.(\d+)\.shortcut\.(norm\.)?(\w+)',
     lambda m: f'backbone.layer{int(m[1]) - 1}.{m[2]}.downsample.'
     f'{1 if m[3] else 0}.{m[4]}'),
    (r'neck\.((?:extra_)?convs\.\d)\.conv\.(\w+)', r'neck.\1.conv.\2'),
    (r'neck\.((?:extra_)?convs\.\d)\.norm\.(\w+)', r'neck.\1.gn.\2'),
    (r'transformer\.level_embeds', 'level_embed'),
    (r'transformer\.tgt_embed\.weight', 'query_embedding.weight'),
    (r'transformer\.enc_output\.(\w+)', r'memory_trans_fc.\1'),
    (r'transformer\.enc_output_norm\.(\w+)', r'memory_trans_norm.\1'),
    (r'transformer\.decoder\.((?:ref_point_head|norm)\..+)', r'decoder.\1'),
    (LAYER + r'attentions\.0\.(.+)', r'\1.layers.\2.self_attn.\3'),
    (LAYER + r'attentions\.1\.(.+)', r'\1.layers.\2.cross_attn.\3'),
    (LAYER + r'ffns\.0\.(.+)', r'\1.layers.\2.ffn.\3'),
    (LAYER + r'(norms\..+)', r'\1.layers.\2.\3'),
    (BRANCH + r'class_embed\.(\d+)\.(\w+)', r'bbox_head.cls_branches.\1.\2'),
    (BRANCH + r'bbox_embed\.(\d+)\.layers\.(\d)\.(\w+)',
     lambda m: f'bbox_head.reg_branches.{m[1]}.{2 * int(m[2])}.{m[3]}'),
    (r'label_enc\.weight', 'dn_query_generator.label_embedding.weight'),
]  # fmt: skip


def convert_dino(state: State, config: dict) -> tuple[State, dict]:
    """Convert detrex's DINO with a ResNet to mmdet's.

    Its projections have biases and its positional encoding another
    temperature than mmdet's own, see ``_base_/models/dino_r50.py``.

    Args:
        state (dict[str, Tensor]): Its tensors, trained on COCO.
        config (dict): Not used; detrex's files have none.

    Returns:
        tuple[dict[str, Tensor], dict]: mmdet's tensors; the checkpoint's
        meta with the classes.

    Raises:
        ValueError: If the weights are of another model.
    """
    state = count_batches(rename(state, RULES, SOURCE))
    name = 'decoder.ref_point_head.layers.0.weight'
    state[name] = _spread(take(state, name, SOURCE))
    count = len(take(dict(state), 'bbox_head.cls_branches.0.bias', SOURCE))
    if count != 80:
        raise ValueError(
            f'the weights tell {count} classes apart, which have no names; '
            "only detectors of COCO's 80 can be converted"
        )
    _, classes = pick_classes(91)
    return state, dict(dataset_meta=dict(classes=classes))


def _spread(weight: Tensor) -> Tensor:
    """Adapt the box encoding's first layer to the installed mmdet.

    Later versions encode each of the four coordinates by twice as many
    frequencies; every second one is that of the former.

    Args:
        weight (Tensor): (C, 4 * F) over sines and cosines of F / 2
            frequencies a coordinate.

    Returns:
        Tensor: The same, or (C, 8 * F) with zeros for the new frequencies.
    """
    dims = len(weight)
    with torch.device('meta'):
        decoder = DinoTransformerDecoder(
            num_layers=1,
            layer_cfg=dict(
                self_attn_cfg=dict(embed_dims=dims, num_heads=8),
                cross_attn_cfg=dict(embed_dims=dims),
                ffn_cfg=dict(embed_dims=dims),
            ),
            post_norm_cfg=None,
        )
    if decoder.ref_point_head.layers[0].in_features == weight.shape[1]:
        return weight
    pairs = weight.unflatten(1, (4, -1, 2))
    wide = torch.stack([pairs, torch.zeros_like(pairs)], dim=3)
    return wide.flatten(1)
