"""Reference YOLOX with its authors' tensor names."""

import torch
import torch.nn.functional as F
from torch import Tensor

SIZES = dict(
    nano=(1, 16, True), tiny=(1, 24, False), s=(1, 32, False),
    m=(2, 48, False), l=(3, 64, False), x=(4, 80, False))  # fmt: skip
# Output channels of the head's branches.
HEAD = dict(cls=dict(cls=None), reg=dict(reg=4, obj=1))


class Source:
    """Reference YOLOX computed from release-named tensors.

    Missing tensors are created on access, so that one description of the
    network gives both the checkpoint and the outputs for an image.

    Args:
        size (str): One of the published sizes.
        classes (int): Number of classes.
        state (dict[str, Tensor], optional): Tensors; random where absent.
    """

    def __init__(self, size, classes=80, state=None):
        self.size = size
        self.blocks, self.width, self.depthwise = SIZES[size]
        self.classes = classes
        self.state = {} if state is None else state
        self.random = torch.Generator().manual_seed(4)

    def double(self):
        self.state = {
            k: v.double() if v.is_floating_point() else v
            for k, v in self.state.items()
        }
        return self

    def draw(self, name, shape, scale=1.0, shift=0.0):
        if name not in self.state:
            noise = torch.randn(shape, generator=self.random)
            self.state[name] = noise * scale + shift
        return self.state[name]

    def base(self, name, x, out, size=1, stride=1, groups=1):
        """Convolution, batch norm with the authors' eps, SiLU."""
        shape = (out, x.shape[1] // groups, size, size)
        scale = (2 / (shape[1] * size**2)) ** 0.5
        x = F.conv2d(
            x, self.draw(f'{name}.conv.weight', shape, scale),
            self.state.get(f'{name}.conv.bias'),
            stride=stride, padding=size // 2, groups=groups)  # fmt: skip
        if f'{name}.conv.bias' in self.state:
            return F.silu(x)
        norm = self.draw_norm(f'{name}.bn', out)
        return F.silu(F.batch_norm(x, *norm, eps=1e-3))

    def draw_norm(self, name, out):
        mean = self.draw(f'{name}.running_mean', out, 0.2)
        bias = self.draw(f'{name}.bias', out, 0.2)
        if f'{name}.weight' not in self.state:
            # Small variances make eps matter; the weight compensates the
            # scale.
            var = self.draw(f'{name}.running_var', out).abs_().clamp_(0.01)
            self.draw(f'{name}.weight', out, 0.1, 1).mul_(var.sqrt())
            self.state[f'{name}.num_batches_tracked'] = torch.tensor(7)
        var, weight = (
            self.state[f'{name}.{part}'] for part in ('running_var', 'weight')
        )
        return mean, var, weight, bias

    def conv(self, name, x, out, stride=1):
        if not self.depthwise:
            return self.base(name, x, out, 3, stride)
        own = x.shape[1]
        x = self.base(f'{name}.dconv', x, own, 3, stride, own)
        return self.base(f'{name}.pconv', x, out)

    def csp(self, name, x, out, blocks, shortcut):
        one = self.base(f'{name}.conv1', x, out // 2)
        two = self.base(f'{name}.conv2', x, out // 2)
        for i in range(blocks):
            y = self.base(f'{name}.m.{i}.conv1', one, out // 2)
            y = self.conv(f'{name}.m.{i}.conv2', y, out // 2)
            one = y + one if shortcut else y
        return self.base(f'{name}.conv3', torch.cat((one, two), 1), out)

    def backbone(self, image):
        name = 'backbone.backbone.'
        corners = [image[..., i::2, j::2] for j in (0, 1) for i in (0, 1)]
        x = self.base(name + 'stem.conv', torch.cat(corners, 1), self.width, 3)
        maps = []
        for stage in (2, 3, 4, 5):
            out, dark = self.width * 2 ** (stage - 1), f'{name}dark{stage}'
            x = self.conv(dark + '.0', x, out, 2)
            if stage == 5:
                x = self.base(dark + '.1.conv1', x, out // 2)
                pooled = [F.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13)]
                x = torch.cat([x, *pooled], 1)
                x = self.base(dark + '.1.conv2', x, out)
            blocks = self.blocks * (3 if stage in (3, 4) else 1)
            last = f'{dark}.{2 if stage == 5 else 1}'
            x = self.csp(last, x, out, blocks, stage != 5)
            maps.append(x)
        return maps[1:]

    def neck(self, maps):
        low, middle, high = maps
        w, n = 4 * self.width, self.blocks
        top = self.base('backbone.lateral_conv0', high, 2 * w)
        x = torch.cat([F.interpolate(top, scale_factor=2.0), middle], 1)
        x = self.csp('backbone.C3_p4', x, 2 * w, n, False)
        half = self.base('backbone.reduce_conv1', x, w)
        x = torch.cat([F.interpolate(half, scale_factor=2.0), low], 1)
        small = self.csp('backbone.C3_p3', x, w, n, False)
        x = torch.cat([self.conv('backbone.bu_conv2', small, w, 2), half], 1)
        mid = self.csp('backbone.C3_n3', x, 2 * w, n, False)
        x = torch.cat([self.conv('backbone.bu_conv1', mid, 2 * w, 2), top], 1)
        return small, mid, self.csp('backbone.C3_n4', x, 4 * w, n, False)

    def head(self, maps):
        out = []
        for i, x in enumerate(maps):
            x = self.base(f'head.stems.{i}', x, 4 * self.width)
            found = {}
            for branch, kinds in HEAD.items():
                y = x
                for j in range(2):
                    name = f'head.{branch}_convs.{i}.{j}'
                    y = self.conv(name, y, x.shape[1])
                for kind, count in kinds.items():
                    name = f'head.{kind}_preds.{i}'
                    shape = (count or self.classes, x.shape[1], 1, 1)
                    found[kind] = F.conv2d(
                        y,
                        self.draw(name + '.weight', shape, 0.05),
                        self.draw(name + '.bias', shape[0], 0.2),
                    )
            out.append(found)
        return out

    @torch.no_grad()
    def raw(self, image: Tensor) -> list[dict[str, Tensor]]:
        """Return the head's raw outputs at three strides, before sigmoid.

        Args:
            image (Tensor): (N, 3, H, W), blue first, 0 to 255.
        """
        return self.head(self.neck(self.backbone(image)))

    def boxes(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return pixel boxes (P, 4) and scores (P, classes)."""
        boxes, scores = [], []
        for found, stride in zip(self.raw(image), (8, 16, 32)):
            h, w = found['reg'].shape[2:]
            ys, xs = torch.meshgrid(
                torch.arange(h), torch.arange(w), indexing='ij')  # fmt: skip
            reg = found['reg'][0].flatten(1).T
            center = (
                reg[:, :2] + torch.stack((xs, ys), -1).view(-1, 2)
            ) * stride
            half = reg[:, 2:].exp() * stride / 2
            boxes.append(torch.cat((center - half, center + half), 1))
            scores.append(
                (found['obj'].sigmoid() * found['cls'].sigmoid())[0]
                .flatten(1)
                .T
            )
        return torch.cat(boxes), torch.cat(scores)


def make_release(size, classes=80):
    """Build a reference with random tensors under all names."""
    source = Source(size, classes)
    source.raw(torch.zeros(1, 3, 32, 32))
    return source


def fold_norms(state):
    """Fold batch norms into the preceding convolutions, like exports."""
    folded = {}
    for name, value in state.items():
        if '.bn.' in name:
            continue
        norm = name.removesuffix('conv.weight') + 'bn.'
        if norm + 'weight' not in state:
            folded[name] = value
            continue
        scale = (
            state[norm + 'weight']
            / (state[norm + 'running_var'] + 1e-3).sqrt()
        )
        folded[name] = value * scale[:, None, None, None]
        folded[name.removesuffix('weight') + 'bias'] = (
            state[norm + 'bias'] - state[norm + 'running_mean'] * scale
        )
    return folded
