import re
from typing import Any, Callable, Sequence, Union

import torch
from torch import Tensor

State = dict[str, Tensor]
# Pattern of the whole name, and its replacement; None drops the tensor.
Rule = tuple[str, Union[str, Callable[[re.Match], str], None]]


def rename(state: State, rules: Sequence[Rule], source: str) -> State:
    """Rename tensors by the first matching rule.

    Args:
        state (dict[str, Tensor]): Tensors by the source's names.
        rules (Sequence[Rule]): Rules in order of precedence.
        source (str): Name of the expected model, for error messages.

    Returns:
        dict[str, Tensor]: Tensors by new names.

    Raises:
        ValueError: If no rule matches a name.
    """
    renamed, unknown = {}, []
    for name, value in state.items():
        for pattern, new in rules:
            match = re.fullmatch(pattern, name)
            if match:
                if new is not None:
                    new = new(match) if callable(new) else match.expand(new)
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
    """Remove and return a tensor.

    Raises:
        ValueError: If it is missing.
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
        packed (str): Prefix in the new name X.{packed}weight.
        source (str): Name of the expected model, for error messages.

    Returns:
        dict[str, Tensor]: With one tensor in place of each three.
    """
    out, left = {}, dict(state)
    for name in state:
        parts = re.fullmatch(r'(.+\.)q_proj\.(weight|bias)', name)
        if parts:
            out[parts[1] + packed + parts[2]] = torch.cat(
                [
                    take(left, f'{parts[1]}{part}_proj.{parts[2]}', source)
                    for part in 'qkv'
                ]
            )
    return {**left, **out}


def count_batches(state: State) -> State:
    """Add the batch counters that frozen batch norms lack."""
    counters = {
        re.sub('running_mean$', 'num_batches_tracked', name): torch.zeros(
            (), dtype=torch.long
        )
        for name in state
        if name.endswith('.running_mean')
    }
    return {**counters, **state}


def resnet_rules(prefix: str) -> list[Rule]:
    """Make rules for ResNets of timm or Hugging Face.

    Args:
        prefix (str): Pattern of the prefix, without groups.
    """
    unit = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
    parts = dict(convolution='conv', normalization='bn')
    kind = r'(convolution|normalization)\.' + unit
    submodules = dict(convolution='0', normalization='1')
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
         f'{submodules[m[3]]}.{m[4]}'),
    ]  # fmt: skip


def layer_rules(source: str, target: str, norms: Sequence[str]) -> list[Rule]:
    """Make rules for FFN and norms of a transformer's layers.

    Args:
        source (str): Pattern of the prefix, with the layer's number as its
            group.
        target (str): Prefix in mmdet, with the number as \\1.
        norms (Sequence[str]): The source's names of the norms, in mmdet's
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
    """Refuse variants with equal tensor names but other computations.

    Args:
        config (dict): Hugging Face's config; missing keys are assumed to have
            the expected values.
        source (str): Name of the expected model, for error messages.
        **expected: Required values of its keys.

    Raises:
        ValueError: If a value differs.
    """
    for key, value in expected.items():
        if config.get(key) not in (value, None):
            raise ValueError(
                f'config.json says {key}: {config[key]!r}; '
                f'{source} is supported with {value!r} only'
            )
