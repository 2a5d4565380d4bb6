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

SOURCE = "Hugging Face's DETR"
# Deformable DETR shares these two: conditions on variants, and names of
# parts.
VARIANT = dict(
    dilation=False, position_embedding_type='sine', activation_function='relu'
)
SHARED_RULES = [
    *resnet_rules(r'model\.backbone\.conv_encoder\.model\.'),
    (r'model\.query_position_embeddings\.weight', 'query_embedding.weight'),
    *layer_rules(r'model\.encoder\.layers\.(\d+)\.', r'encoder.layers.\1.',
                 ['self_attn_layer_norm', 'final_layer_norm']),
    *layer_rules(
        r'model\.decoder\.layers\.(\d+)\.', r'decoder.layers.\1.',
        ['self_attn_layer_norm', 'encoder_attn_layer_norm',
         'final_layer_norm']),
]  # fmt: skip
RULES = [
    *SHARED_RULES,
    (r'model\.input_projection\.(\w+)', r'neck.convs.0.conv.\1'),
    (r'model\.(encoder|decoder)\.layers\.(\d+)\.self_attn\.(.+)',
     r'\1.layers.\2.self_attn.attn.\3'),
    (r'model\.decoder\.layers\.(\d+)\.encoder_attn\.(.+)',
     r'decoder.layers.\1.cross_attn.attn.\2'),
    (r'model\.decoder\.layernorm\.(\w+)', r'decoder.post_norm.\1'),
    (r'class_labels_classifier\.(\w+)', r'bbox_head.fc_cls.\1'),
    (r'bbox_predictor\.layers\.0\.(\w+)', r'bbox_head.reg_ffn.layers.0.0.\1'),
    (r'bbox_predictor\.layers\.1\.(\w+)', r'bbox_head.reg_ffn.layers.1.\1'),
    (r'bbox_predictor\.layers\.2\.(\w+)', r'bbox_head.fc_reg.\1'),
]  # fmt: skip


def convert_detr(state: State, config: dict) -> tuple[State, dict]:
    """Convert ``DetrForObjectDetection`` to mmdet's DETR.

    The last row of the classifier, "no object", stays the last. Logits are
    equal; scores are a softmax over fewer classes, and differ by the source's
    probability of COCO's unused ids.

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
    classes = select_class_rows(state, config, SOURCE, with_background=True)
    return state, dict(dataset_meta=dict(classes=classes))
