from .classes import select_class_rows
from .names import (
    State,
    count_batches,
    layer_rules,
    pack_qkv,
    rename,
    require,
    resnet_rules,
)

SOURCE = "Hugging Face's DAB-DETR"
VARIANT = dict(
    activation_function='prelu',
    keep_query_pos=False,
    normalize_before=False,
    num_patterns=0,
    query_dim=4,
    temperature_height=20,
    temperature_width=20,
)
DECODER = r'model\.decoder\.layers\.(\d+)\.'
SLOPE = r'ffn.layers.0.1.\2'
RULES = [
    *resnet_rules(r'model\.backbone\.conv_encoder\.model\.'),
    (r'model\.query_refpoint_embeddings\.weight', 'query_embedding.weight'),
    (r'model\.input_projection\.(\w+)', r'neck.convs.0.conv.\1'),
    *layer_rules(r'model\.encoder\.layers\.(\d+)\.', r'encoder.layers.\1.',
                 ['self_attn_layer_norm', 'final_layer_norm']),
    (r'model\.encoder\.layers\.(\d+)\.activation_fn\.(\w+)',
     r'encoder.layers.\1.' + SLOPE),
    (r'model\.encoder\.layers\.(\d+)\.self_attn\.(.+)',
     r'encoder.layers.\1.self_attn.attn.\2'),
    (DECODER + r'(self|cross)_attn\.\2_attn_(query|key)_'
     r'(content|pos|pos_sine)_proj\.(\w+)',
     lambda m: f'decoder.layers.{m[1]}.{m[2]}_attn.'
     f'{m[3][0]}{m[4]}_proj.{m[5]}'),
    (DECODER + r'(self|cross)_attn\.\2_attn_value_proj\.(\w+)',
     r'decoder.layers.\1.\2_attn.v_proj.\3'),
    (DECODER + r'(self|cross)_attn\.\2_attn\.output_proj\.(\w+)',
     r'decoder.layers.\1.\2_attn.out_proj.\3'),
    (DECODER + r'mlp\.activation_fn\.(\w+)', r'decoder.layers.\1.' + SLOPE),
    *layer_rules(
        DECODER + r'(?:self_attn\.|cross_attn\.|mlp\.)',
        r'decoder.layers.\1.',
        ['self_attn_layer_norm', 'cross_attn_layer_norm',
         'final_layer_norm']),
    (r'model\.decoder\.layernorm\.(\w+)', r'decoder.post_norm.\1'),
    (r'model\.((?:en|de)coder\.(?:query_scale|ref_point_head|ref_anchor_head)'
     r'\.layers\.\d\.\w+)', r'\1'),
    # One head serves all layers, under two names.
    (r'(?:model\.decoder\.bbox_embed|bbox_predictor)\.(layers\.\d\.\w+)',
     r'bbox_head.fc_reg.\1'),
    (r'class_embed\.(\w+)', r'bbox_head.fc_cls.\1'),
]  # fmt: skip


def convert_dab_detr(state: State, config: dict) -> tuple[State, dict]:
    """Convert ``DabDetrForObjectDetection`` to mmdet's DAB-DETR.

    Args:
        state (dict[str, Tensor]): Its tensors, with timm's or Hugging Face's
            names of the backbone.
        config (dict): Its config.json, empty without one.

    Returns:
        tuple[dict[str, Tensor], dict]: mmdet's tensors; the checkpoint's
        meta with the classes.

    Raises:
        ValueError: If the weights are of another model.
    """
    require(config, SOURCE, **VARIANT)
    state = count_batches(rename(state, RULES, SOURCE))
    state = pack_qkv(state, 'in_proj_', SOURCE)
    classes = select_class_rows(state, config, SOURCE)
    return state, dict(dataset_meta=dict(classes=classes))
