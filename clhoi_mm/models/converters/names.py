import re
from typing import Any, Callable, Sequence, Union

import torch
from torch import Tensor

State = dict[str, Tensor]
# A pattern of whole names, and what replaces it; None leaves the tensor out.
Rule = tuple[str, Union[str, Callable[[re.Match], str], None]]


def rename(state: State, rules: Sequence[Rule], source: str) -> State:
    """Rename tensors by the first rule that fits the whole name.

    Args:
        state (dict[str, Tensor]): Tensors by the source's names.
        rules (Sequence[Rule]): What becomes of them.
        source (str): What the tensors should be, for errors.

    Returns:
        dict[str, Tensor]: Tensors by new names.

    Raises:
        ValueError: If a name fits no rule.
    """
    renamed, unknown = {}, []
    for name, value in state.items():
        for pattern, new in rules:
            found = re.fullmatch(pattern, name)
            if found:
                if new is not None:
                    new = new(found) if callable(new) else found.expand(new)
                    renamed[new] = value
                break
        else:
            unknown.append(name)
    if unknown or not renamed:
        raise ValueError(
            f'these are not the weights of {source}: {len(unknown)} of '
            f'{len(state)} tensors have names that it does not have'
            f'{", such as " + unknown[0] if unknown else ""}; '
            'docs/models.md says which file to take'
        )
    return renamed


def take(state: State, name: str, source: str) -> Tensor:
    """Take a tensor out.

    Raises:
        ValueError: If it is not there.
    """
    if name not in state:
        raise ValueError(
            f'these are not the weights of {source}: {name} is '
            'missing; docs/models.md says which file to take'
        )
    return state.pop(name)


def pack_qkv(state: State, packed: str, source: str) -> State:
    """Join the projections of queries, keys and values.

    Args:
        state (dict[str, Tensor]): With X.q_proj.weight, X.q_proj.bias, ...
        packed (str): What X.{packed}weight begins with.
        source (str): What the tensors should be, for errors.

    Returns:
        dict[str, Tensor]: With one in place of each three.
    """
    out, left = {}, dict(state)
    for name in state:
        found = re.fullmatch(r'(.+\.)q_proj\.(weight|bias)', name)
        if found:
            out[found[1] + packed + found[2]] = torch.cat(
                [
                    take(left, f'{found[1]}{part}_proj.{found[2]}', source)
                    for part in 'qkv'
                ]
            )
    return {**left, **out}


def count_batches(state: State) -> State:
    """Add the counters that frozen batch norms lack and mmdet's have."""
    counters = {
        re.sub('running_mean$', 'num_batches_tracked', name): torch.zeros(
            (), dtype=torch.long
        )
        for name in state
        if name.endswith('.running_mean')
    }
    return {**counters, **state}


def resnet_rules(prefix: str) -> list[Rule]:
    """Rules for a ResNet as timm and torchvision or as Hugging Face name it.

    Args:
        prefix (str): Pattern of what comes before, without groups.
    """
    unit = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
    parts = dict(convolution='conv', normalization='bn')
    kind = r'(convolution|normalization)\.' + unit
    own = dict(convolution='0', normalization='1')
    return [
        (prefix + r'((?:conv1|bn1|layer[1-4]\.\d+\.(?:conv\d|bn\d|'
         r'downsample\.[01]))\.' + unit + ')', r'backbone.\1'),
        (prefix + r'embedder\.embedder\.' + kind,
         lambda m: f'backbone.{parts[m[1]]}1.{m[2]}'),
        (prefix + r'encoder\.stages\.(\d)\.layers\.(\d+)\.layer\.(\d)\.' +
         kind, lambda m: f'backbone.layer{int(m[1]) + 1}.{m[2]}.'
         f'{parts[m[4]]}{int(m[3]) + 1}.{m[5]}'),
        (prefix + r'encoder\.stages\.(\d)\.layers\.(\d+)\.shortcut\.' + kind,
         lambda m: f'backbone.layer{int(m[1]) + 1}.{m[2]}.downsample.'
         f'{own[m[3]]}.{m[4]}'),
    ]  # fmt: skip


def layer_rules(source: str, target: str, norms: Sequence[str]) -> list[Rule]:
    """Rules for the FFN and the norms of a transformer's layers.

    Args:
        source (str): Pattern of what comes before, with the layer's number
            as its group.
        target (str): What comes before in mmdet, with the number as \\1.
        norms (Sequence[str]): The source's names of the norms in mmdet's
            order.
    """
    rules = [
        (rf'{source}fc1\.(\w+)', rf'{target}ffn.layers.0.0.\2'),
        (rf'{source}fc2\.(\w+)', rf'{target}ffn.layers.1.\2'),
    ]
    rules += [
        (rf'{source}{name}\.(\w+)', rf'{target}norms.{i}.\2')
        for i, name in enumerate(norms)
    ]
    return rules


def require(config: dict, source: str, **expected: Any) -> None:
    """Refuse variants with the same names of tensors but other sums.

    Args:
        config (dict): Hugging Face's config; what it leaves open is taken to
            be as expected.
        source (str): What it should be of, for errors.
        **expected: Values of its keys.

    Raises:
        ValueError: If one differs.
    """
    for key, value in expected.items():
        if config.get(key) not in (value, None):
            raise ValueError(
                f'config.json says {key}: {config[key]!r}; '
                f'{source} is supported with {value!r} only'
            )
