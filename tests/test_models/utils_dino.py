"""Reference DINO R50 with detrex's tensor names."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models import resnet50

LEVELS, POINTS, HEADS, DIMS = 4, 4, 8, 256


def names_of_resnet():
    """Map torchvision's names of ResNet tensors to detectron2's."""
    names = {}
    for name in resnet50().state_dict():
        if name.startswith('fc.') or name.endswith('num_batches_tracked'):
            continue
        first, *rest = name.split('.')
        if first in ('conv1', 'bn1'):
            new = 'stem.conv1' + ('.norm' if first == 'bn1' else '')
            names[name] = f'backbone.{new}.{rest[0]}'
            continue
        block, part, *end = rest
        new = f'backbone.res{int(first[-1]) + 1}.{block}.'
        if part == 'downsample':
            new += 'shortcut' + ('.norm' if end[0] == '1' else '')
        else:
            new += f'conv{part[-1]}' + ('.norm' if part[0] == 'b' else '')
        names[name] = f'{new}.{end[-1]}'
    return names


def put_backbone(put, state):
    """Write ResNet-50's tensors."""
    backbone = resnet50().state_dict()
    for name, new in names_of_resnet().items():
        shape = backbone[name].shape
        if len(shape) == 4:
            put(new, *shape, scale=(1.5 / shape[1:].numel()) ** 0.5)
        else:
            put(new, *shape, scale=0.1, shift=0 if 'bias' in new else 0.5)
            if new.endswith('running_var'):
                state[new] = state[new].abs() + 0.2


def put_neck(put, norm):
    """Write the channel mapper's tensors."""
    for i, (kind, j, size) in enumerate(
        [
            ('convs', 0, 512),
            ('convs', 1, 1024),
            ('convs', 2, 2048),
            ('extra_convs', 0, 2048),
        ]
    ):
        name, kernel = f'neck.{kind}.{j}', 3 if i == 3 else 1
        put(
            f'{name}.conv.weight',
            DIMS,
            size,
            kernel,
            kernel,
            scale=(1 / size / kernel**2) ** 0.5,
        )
        put(f'{name}.conv.bias', DIMS)
        norm(f'{name}.norm')


def make_release(layers, queries, ffn=64, classes=80):
    """Build random tensors under detrex's names."""
    random = torch.Generator().manual_seed(0)
    state = {}

    def put(name, *shape, scale=None, shift=0.0):
        if scale is None:
            scale = 0.2 if len(shape) == 1 else (2 / shape[-1]) ** 0.5
        noise = torch.randn(shape, generator=random)
        state[name] = noise * scale + shift

    def linear(name, out, size=DIMS, scale=None):
        put(f'{name}.weight', out, size, scale=scale)
        put(f'{name}.bias', out)

    def norm(name):
        put(f'{name}.weight', DIMS, shift=1.0)
        put(f'{name}.bias', DIMS)

    put_backbone(put, state)
    put_neck(put, norm)
    for coder in ('encoder', 'decoder'):
        for i in range(layers):
            name = f'transformer.{coder}.layers.{i}'
            sampled = f'{name}.attentions.{int(coder == "decoder")}'
            points = HEADS * LEVELS * POINTS
            linear(f'{sampled}.sampling_offsets', points * 2, scale=0.1)
            linear(f'{sampled}.attention_weights', points)
            linear(f'{sampled}.value_proj', DIMS)
            linear(f'{sampled}.output_proj', DIMS)
            if coder == 'decoder':
                own = f'{name}.attentions.0.attn.'
                put(f'{own}in_proj_weight', 3 * DIMS, DIMS)
                put(f'{own}in_proj_bias', 3 * DIMS)
                linear(f'{own}out_proj', DIMS)
            linear(f'{name}.ffns.0.layers.0.0', ffn)
            linear(f'{name}.ffns.0.layers.1', DIMS, ffn)
            for j in range(3 if coder == 'decoder' else 2):
                norm(f'{name}.norms.{j}')
    linear('transformer.decoder.ref_point_head.layers.0', DIMS, 2 * DIMS)
    linear('transformer.decoder.ref_point_head.layers.1', DIMS)
    norm('transformer.decoder.norm')
    put('transformer.level_embeds', LEVELS, DIMS, scale=1.0)
    put('transformer.tgt_embed.weight', queries, DIMS, scale=1.0)
    linear('transformer.enc_output', DIMS)
    norm('transformer.enc_output_norm')
    for i in range(layers + 1):
        linear(f'class_embed.{i}', classes)
        for j, out in enumerate((DIMS, DIMS, 4)):
            linear(f'bbox_embed.{i}.layers.{j}', out, scale=0.05)
    put('label_enc.weight', classes, DIMS)
    # The head's second copy, as its parameters are registered twice.
    for name in [n for n in state if n.startswith(('class_', 'bbox_'))]:
        state[f'transformer.decoder.{name}'] = state[name]
    return state


class Source:
    """Reference DINO on one image from detrex-named tensors.

    Args:
        state (dict[str, Tensor]): Tensors.
        layers (int): Number of encoder and of decoder layers.
        queries (int): Number of predicted boxes.
    """

    def __init__(self, state, layers, queries):
        self.state, self.layers, self.queries = state, layers, queries

    def linear(self, name, x):
        s = self.state
        return F.linear(x, s[f'{name}.weight'], s[f'{name}.bias'])

    def norm(self, name, x):
        s = self.state
        return F.layer_norm(x, (DIMS,), s[f'{name}.weight'], s[f'{name}.bias'])

    def mlp(self, name, x, count):
        for i in range(count):
            x = self.linear(f'{name}.layers.{i}', x)
            x = x.relu() if i + 1 < count else x
        return x

    def maps(self, image):
        net = resnet50().to(image.dtype).eval()
        net.load_state_dict(
            {old: self.state[new] for old, new in names_of_resnet().items()},
            strict=False,
        )
        x = net.maxpool(net.bn1(net.conv1(image)).relu())
        found = []
        for i in range(1, 5):
            x = getattr(net, f'layer{i}')(x)
            found.append(x)
        neck = [(f'convs.{i}', x, 0) for i, x in enumerate(found[1:])]
        for name, x, pad in [*neck, ('extra_convs.0', found[-1], 1)]:
            w, b = (
                self.state[f'neck.{name}.conv.{e}'] for e in ('weight', 'bias')
            )
            x = F.conv2d(x, w, b, stride=1 + pad, padding=pad)
            end = [
                self.state[f'neck.{name}.norm.{e}'] for e in ('weight', 'bias')
            ]
            yield F.group_norm(x, 32, *end)[0]

    def sample(self, name, query, points, value, sizes):
        """Multi-scale deformable attention, point by point of the grid.

        ``points`` are centers (n, 2) or boxes (n, 4) relative to the image.
        """
        offsets = self.linear(f'{name}.sampling_offsets', query)
        offsets = offsets.view(-1, HEADS, LEVELS, POINTS, 2)
        weights = self.linear(f'{name}.attention_weights', query)
        weights = weights.view(-1, HEADS, LEVELS * POINTS).softmax(-1)
        weights = weights.view(-1, HEADS, LEVELS, POINTS)
        value = self.linear(f'{name}.value_proj', value)
        out, start = 0, 0
        for level, (h, w) in enumerate(sizes):
            flat = value[start : start + h * w]
            start += h * w
            maps = flat.view(h, w, HEADS, -1).permute(2, 3, 0, 1)
            if points.shape[-1] == 2:
                move = offsets[:, :, level] / query.new_tensor([w, h])
            else:
                size = points[:, None, None, 2:]
                move = offsets[:, :, level] / POINTS * size * 0.5
            at = points[:, None, None, :2] + move
            seen = F.grid_sample(
                maps, 2 * at.transpose(0, 1) - 1, align_corners=False
            )
            of_level = weights[:, :, level].transpose(0, 1)[:, None]
            out = out + (seen * of_level).sum(-1).permute(2, 0, 1)
        return self.linear(f'{name}.output_proj', out.flatten(1))

    def feed(self, name, x):
        y = self.linear(f'{name}.layers.0.0', x).relu()
        return x + self.linear(f'{name}.layers.1', y)

    def attend(self, name, query, pos):
        s, size = self.state, DIMS // HEADS
        both = query + pos
        w = s[f'{name}.in_proj_weight'].chunk(3)
        b = s[f'{name}.in_proj_bias'].chunk(3)
        q, k, v = (
            F.linear(x, w[i], b[i]).view(-1, HEADS, size).transpose(0, 1)
            for i, x in enumerate((both, both, query))
        )
        probs = (q @ k.transpose(1, 2) / size**0.5).softmax(-1)
        out = (probs @ v).transpose(0, 1).flatten(1)
        return self.linear(f'{name}.out_proj', out)

    @torch.no_grad()
    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits, and boxes as relative centers and sizes."""
        maps = list(self.maps(image))
        sizes = [tuple(x.shape[1:]) for x in maps]
        memory = torch.cat([x.flatten(1).T for x in maps])
        pos = torch.cat(
            [
                position(h, w).to(image)
                + self.state['transformer.level_embeds'][i]
                for i, (h, w) in enumerate(sizes)
            ]
        )
        centers = torch.cat([grid(h, w) for h, w in sizes]).to(image)
        for i in range(self.layers):
            name = f'transformer.encoder.layers.{i}'
            found = self.sample(
                f'{name}.attentions.0', memory + pos, centers, memory, sizes
            )
            memory = self.norm(f'{name}.norms.0', memory + found)
            memory = self.feed(f'{name}.ffns.0', memory)
            memory = self.norm(f'{name}.norms.1', memory)
        side = torch.cat(
            [
                torch.full((h * w, 2), 0.05 * 2**i)
                for i, (h, w) in enumerate(sizes)
            ]
        )
        anchors = torch.cat([centers, side.to(image)], 1)
        valid = ((anchors > 0.01) & (anchors < 0.99)).all(1, keepdim=True)
        x = self.linear('transformer.enc_output', memory * valid)
        x = self.norm('transformer.enc_output_norm', x)
        best = self.linear(f'class_embed.{self.layers}', x).max(1).values
        best = best.topk(self.queries).indices
        logits = torch.log(anchors / (1 - anchors)).masked_fill(
            ~valid, float('inf')
        )
        moved = self.mlp(f'bbox_embed.{self.layers}', x, 3)
        return self.decode((moved + logits)[best].sigmoid(), memory, sizes)

    def decode(self, boxes, memory, sizes):
        query = self.state['transformer.tgt_embed.weight']
        for i in range(self.layers):
            name = f'transformer.decoder.layers.{i}'
            pos = self.mlp(
                'transformer.decoder.ref_point_head', encode(boxes), 2
            )
            query = query + self.attend(
                f'{name}.attentions.0.attn', query, pos
            )
            query = self.norm(f'{name}.norms.0', query)
            query = query + self.sample(
                f'{name}.attentions.1', query + pos, boxes, memory, sizes
            )
            query = self.norm(f'{name}.norms.1', query)
            query = self.norm(
                f'{name}.norms.2', self.feed(f'{name}.ffns.0', query)
            )
            last = boxes
            logits = torch.logit(boxes, eps=1e-3)
            boxes = (self.mlp(f'bbox_embed.{i}', query, 3) + logits).sigmoid()
        query = self.norm('transformer.decoder.norm', query)
        i = self.layers - 1
        moved = self.mlp(f'bbox_embed.{i}', query, 3)
        # detrex clamps at 1e-3 here as well; mmdet at 1e-5.
        boxes = (moved + torch.logit(last, eps=1e-5)).sigmoid()
        return self.linear(f'class_embed.{i}', query), boxes


def grid(h, w):
    ys, xs = torch.meshgrid(
        (torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w, indexing='ij'
    )
    return torch.stack([xs, ys], -1).view(-1, 2)


def waves(x, count=DIMS // 2, base=10000):
    """Interleaved sines and cosines."""
    powers = base ** (torch.arange(0, count, 2).to(x) / count)
    angles = x[..., None] / powers
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)


def position(h, w):
    at = grid(h, w).double() * 2 * torch.pi
    return torch.cat([waves(at[:, 1]), waves(at[:, 0])], 1)


def encode(boxes):
    x, y, w, h = (waves(v * 2 * torch.pi) for v in boxes.unbind(1))
    return torch.cat([y, x, w, h], 1)
