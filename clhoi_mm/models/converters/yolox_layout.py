"""YOLOX's convolutions in forward order, with their inputs."""

import re

from .names import State, take

SOURCE = "YOLOX's authors"
# depth, width and whether 3 x 3 convolutions are depthwise, by size.
SIZES = {
    'nano': (0.33, 0.25, True),
    'tiny': (0.33, 0.375, False),
    's': (0.33, 0.5, False),
    'm': (0.67, 0.75, False),
    'l': (1.0, 1.0, False),
    'x': (1.33, 1.25, False),
}
# Convolutions that a map's channels come from, in order.
Origins = tuple[str, ...]


def join(*maps: Origins) -> Origins:
    """Concatenate or add maps."""
    return tuple(dict.fromkeys(name for part in maps for name in part))


class YOLOXLayout:
    """YOLOX's convolutions by their authors' names, in forward order.

    Args:
        depth (float): Depth multiple of the size, as published.
        depthwise (bool): Whether 3 x 3 convolutions after the first are
            depthwise ones followed by pointwise ones.
    """

    def __init__(self, depth: float, depthwise: bool) -> None:
        self.blocks = round(3 * depth)
        self.depthwise = depthwise
        #: dict[str, Origins]: The inputs of each convolution.
        self.inputs: dict[str, Origins] = {}
        self._trace()

    def _plain(self, name: str, x: Origins) -> Origins:
        self.inputs[f'{name}.conv'] = x
        return (f'{name}.conv',)

    def _conv(self, name: str, x: Origins) -> Origins:
        if not self.depthwise:
            return self._plain(name, x)
        return self._plain(f'{name}.pconv', self._plain(f'{name}.dconv', x))

    def _csp(self, name: str, x: Origins, blocks: int, add: bool) -> Origins:
        main = self._plain(f'{name}.conv1', x)
        short = self._plain(f'{name}.conv2', x)
        for i in range(blocks):
            y = self._plain(f'{name}.m.{i}.conv1', main)
            y = self._conv(f'{name}.m.{i}.conv2', y)
            main = join(y, main) if add else y
        return self._plain(f'{name}.conv3', join(main, short))

    def _trace(self) -> None:
        name = 'backbone.backbone.'
        x = self._plain(name + 'stem.conv', ())
        maps = []
        for stage, times in ((2, 1), (3, 3), (4, 3)):
            x = self._conv(f'{name}dark{stage}.0', x)
            x = self._csp(f'{name}dark{stage}.1', x, times * self.blocks, True)
            maps.append(x)
        x = self._conv(name + 'dark5.0', x)
        x = self._plain(name + 'dark5.1.conv1', x)
        x = self._plain(name + 'dark5.1.conv2', x)
        x = self._csp(name + 'dark5.2', x, self.blocks, False)
        self._trace_head(self._trace_neck(maps[1], maps[2], x))

    def _trace_neck(
        self, low: Origins, middle: Origins, high: Origins
    ) -> list[Origins]:
        name, n = 'backbone.', self.blocks
        top = self._plain(name + 'lateral_conv0', high)
        x = self._csp(name + 'C3_p4', join(top, middle), n, False)
        half = self._plain(name + 'reduce_conv1', x)
        out = [self._csp(name + 'C3_p3', join(half, low), n, False)]
        x = self._conv(name + 'bu_conv2', out[0])
        out.append(self._csp(name + 'C3_n3', join(x, half), n, False))
        x = self._conv(name + 'bu_conv1', out[1])
        out.append(self._csp(name + 'C3_n4', join(x, top), n, False))
        return out

    def _trace_head(self, maps: list[Origins]) -> None:
        for i, x in enumerate(maps):
            x = self._plain(f'head.stems.{i}', x)
            features = {}
            for branch in ('cls', 'reg'):
                y = x
                for j in range(2):
                    y = self._conv(f'head.{branch}_convs.{i}.{j}', y)
                features[branch] = y
                self.inputs[f'head.{branch}_preds.{i}'] = y
            self.inputs[f'head.obj_preds.{i}'] = features['reg']


def recognize_size(state: State) -> dict:
    """Recognize a size of YOLOX from its tensors.

    Args:
        state (dict[str, Tensor]): Its tensors by its authors' names.

    Returns:
        dict: ``size`` and the values of mmdet's config that depend on it.

    Raises:
        ValueError: If it has none of the published sizes.
    """
    stem = take(dict(state), 'backbone.backbone.stem.conv.conv.weight', SOURCE)
    blocks = {
        found[1]
        for name in state
        if (found := re.match(r'backbone\.backbone\.dark2\.1\.m\.(\d+)', name))
    }
    depthwise = any('.dconv.' in name for name in state)
    found = (len(stem), len(blocks), depthwise)
    size = next(
        (
            name
            for name, (depth, width, deep) in SIZES.items()
            if (int(64 * width), round(3 * depth), deep) == found
        ),
        None,
    )
    if size is None:
        raise ValueError(
            f'no published size of YOLOX has {len(stem)} channels and '
            f'{len(blocks)} blocks at first; they are {", ".join(SIZES)}'
        )
    depth, width, _ = SIZES[size]
    channels = [int(c * width) for c in (256, 512, 1024)]
    return dict(
        size=size,
        deepen_factor=depth,
        widen_factor=width,
        use_depthwise=depthwise,
        in_channels=channels,
        out_channels=channels[0],
        num_csp_blocks=len(blocks),
    )
