from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .files import read_source
from .names import State
from .yolox_layout import SIZES, SOURCE, Origins, YOLOXLayout, join

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


def read_yolox(path: str) -> tuple[State, dict]:
    """Read YOLOX's tensors from its authors' checkpoint or export.

    No code in a file is executed.

    Args:
        path (str): A .pth file, or an .onnx file of their export script.

    Returns:
        tuple[dict[str, Tensor], dict]: Tensors by their authors' names;
        an empty config.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If it is damaged or of another model.
    """
    if Path(path).suffix == '.onnx' and Path(path).is_file():
        return _read_onnx(path), {}
    return read_source(path)


def _read_onnx(path: str) -> State:
    try:
        import onnx
        from onnx.numpy_helper import to_array
    except ImportError as error:
        raise ValueError(
            f'{error.name} is missing: pip install "clhoi_mm[onnx]"'
        ) from None
    try:
        graph = onnx.load(path).graph
    except Exception as error:
        raise ValueError(
            f'it is no ONNX file ({type(error).__name__}); download it again'
        ) from None
    weights = {tensor.name: tensor for tensor in graph.initializer}
    state = {}
    for name, node in _name_convolutions(graph).items():
        parts = zip(('weight', 'bias'), node.input[1:])
        for part, source in parts:
            if source not in weights:
                raise ValueError(f'{SOURCE}: {source} has no values')
            values = to_array(weights[source])
            state[f'{name}.{part}'] = torch.from_numpy(values.copy())
    return state


def _name_convolutions(graph: 'GraphProto') -> dict[str, 'NodeProto']:
    """Name an export's convolutions, which have lost their names.

    They are in forward order; the inputs of each must be those in YOLOX, so
    that no two are confused.

    Raises:
        ValueError: If the graph is not that of a published size.
    """
    nodes = [node for node in graph.node if node.op_type == 'Conv']
    weights = {tensor.name: tensor for tensor in graph.initializer}
    width = weights[nodes[0].input[1]].dims[0] if nodes else 0
    expected = next(
        (
            layout.inputs
            for depth, factor, depthwise in SIZES.values()
            if int(64 * factor) == width
            and len((layout := YOLOXLayout(depth, depthwise)).inputs)
            == len(nodes)
        ),
        None,
    )
    if expected is None:
        raise ValueError(
            f'these are not the weights of {SOURCE}: no published size has '
            f'{len(nodes)} convolutions, the first with {width} channels; '
            'export it with their script'
        )
    names = dict(zip(expected, nodes))
    origins = _inputs(graph, {id(node): name for name, node in names.items()})
    for name, inputs in expected.items():
        if origins[name] != inputs:
            raise ValueError(
                f'these are not the weights of {SOURCE}: {name} takes '
                f'{origins[name]}, not {inputs}; export it with their script'
            )
    return names


def _inputs(graph: 'GraphProto', names: dict[int, str]) -> dict[str, Origins]:
    """Find the convolutions that each convolution's input comes from.

    Args:
        graph (GraphProto): Graph with nodes in an order of execution.
        names (dict[int, str]): Names of convolutions by their nodes' ids.
    """
    origins: dict[str, Origins] = {}
    inputs = {}
    for node in graph.node:
        node_origins = join(*(origins.get(name, ()) for name in node.input))
        if id(node) in names:
            inputs[names[id(node)]] = node_origins
            node_origins = (names[id(node)],)
        for name in node.output:
            origins[name] = node_origins
    return inputs
