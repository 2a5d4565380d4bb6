import re

from .classes import names_of, pick_classes
from .detr import SHARED_RULES, VARIANT
from .names import State, count_batches, pack_qkv, rename, require, take

SOURCE = "Hugging Face's Deformable DETR"
# With box refinement the head's branches have two names.
BRANCH = r'(?:model\.decoder\.)?'
RULES = [
    *SHARED_RULES,
    (r'model\.input_proj\.(\d)\.0\.(\w+)', r'input_proj.\1.conv.\2'),
    (r'model\.input_proj\.(\d)\.1\.(\w+)', r'input_proj.\1.gn.\2'),
    (r'model\.level_embed', 'level_embed'),
    (r'model\.reference_points\.(\w+)', r'reference_points_fc.\1'),
    (r'model\.enc_output\.(\w+)', r'memory_trans_fc.\1'),
    (r'model\.enc_output_norm\.(\w+)', r'memory_trans_norm.\1'),
    (r'model\.pos_trans\.(\w+)', r'pos_trans_fc.\1'),
    (r'model\.pos_trans_norm\.(\w+)', r'pos_trans_norm.\1'),
    (r'model\.encoder\.layers\.(\d+)\.self_attn\.(.+)',
     r'encoder.layers.\1.self_attn.\2'),
    (r'model\.decoder\.layers\.(\d+)\.self_attn\.(.+)',
     r'decoder.layers.\1.self_attn.attn.\2'),
    (r'model\.decoder\.layers\.(\d+)\.encoder_attn\.(.+)',
     r'decoder.layers.\1.cross_attn.\2'),
    (BRANCH + r'class_embed\.(\d+)\.(\w+)', r'bbox_head.cls_branches.\1.\2'),
    (BRANCH + r'bbox_embed\.(\d+)\.layers\.(\d)\.(\w+)',
     lambda m: f'bbox_head.reg_branches.{m[1]}.{2 * int(m[2])}.{m[3]}'),
]  # fmt: skip


def convert_deformable_detr(state: State, config: dict) -> tuple[State, dict]:
    """Convert ``DeformableDetrForObjectDetection`` to mmdet's.

    Plain, with box refinement, or with two stages, whose last branch proposes
    objects by its first row, whatever its name.

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
    state = _neck(count_batches(rename(state, RULES, SOURCE)))
    state = pack_qkv(state, 'in_proj_', SOURCE)
    _share_branches(state)
    heads = sorted(
        (name for name in state if 'cls_branches' in name), key=_number
    )
    rows, classes = pick_classes(len(state[heads[0]]), names_of(config))
    two_stage = 'pos_trans_fc.weight' in state
    for name in heads:
        proposes = two_stage and _number(name) == _number(heads[-1])
        state[name] = state[name][[0, *rows[1:]] if proposes else rows]
    return state, dict(dataset_meta=dict(classes=classes))


def _neck(state: State) -> State:
    """Rename the projections of the neck."""
    sizes = {
        int(match[1]): state[match[0]].shape[-1]
        for name in state
        if (match := re.fullmatch(r'input_proj\.(\d)\.conv\.weight', name))
    }
    mapped = sum(size == 1 for size in sizes.values())

    def place(name: str) -> str:
        level = int(name.split('.')[1])
        new = (
            f'convs.{level}'
            if level < mapped
            else f'extra_convs.{level - mapped}'
        )
        return name.replace(f'input_proj.{level}', f'neck.{new}')

    return {
        place(name) if name.startswith('input_proj') else name: value
        for name, value in state.items()
    }


def _share_branches(state: State) -> None:
    """Repeat the head's branch where all layers share one.

    safetensors stores shared tensors only once.
    """
    layers = {
        name.split('.')[2]
        for name in state
        if name.startswith('decoder.layers.')
    }
    for part in ('cls_branches', 'reg_branches'):
        take_from = f'bbox_head.{part}.0.'
        branch = [name for name in state if name.startswith(take_from)]
        if not branch:
            take({}, f'{part} of the head', SOURCE)
        for name in branch:
            for layer in layers:
                new = f'bbox_head.{part}.{layer}.{name[len(take_from) :]}'
                state.setdefault(new, state[name])


def _number(name: str) -> int:
    return int(name.split('.')[2])
