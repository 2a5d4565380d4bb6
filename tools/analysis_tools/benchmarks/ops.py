"""Time mmcv's operators: clhoi_mm.ops against compiled ones.

    python tools/analysis_tools/benchmark.py ops --threads 2

Prints medians in milliseconds. If mmcv has compiled operators (``make setup
OPS=compiled``), both are timed alternately in one process; a dash stands for
an operator without a compiled kernel on the device.
"""

import argparse
import importlib
import time
from importlib.machinery import EXTENSION_SUFFIXES
from statistics import median
from types import ModuleType
from typing import Callable, Dict, List, Optional

import numpy as np
import torch
from mmcv import ops  # noqa: F401, loads the modules that use the extension

from benchmarks.setup import describe_machine, print_table
from clhoi_mm.ops import ext

IMAGE = (800, 1333)
STRIDES = (4, 8, 16, 32)
CHANNELS = 256
MODULES = (
    'nms',
    'roi_align',
    'roi_pool',
    'focal_loss',
    'modulated_deform_conv',
    'multi_scale_deform_attn',
)
Case = Callable[[], Optional[torch.Tensor]]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--threads', type=int, help="default: torch's own")
    parser.add_argument('--repeat', type=int, default=9)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def make_boxes(number: int, device: str) -> torch.Tensor:
    """Generate boxes of typical object sizes, (N, 4)."""
    rng = np.random.default_rng(0)
    size = np.exp(rng.uniform(np.log(16), np.log(500), (number, 2)))
    low = rng.random((number, 2)) * (np.array(IMAGE[::-1]) - size).clip(0)
    return (
        torch.tensor(np.concatenate([low, low + size], 1)).float().to(device)
    )


def suppression_cases(device: str) -> Dict[str, Case]:
    cases = {}
    for number in (1000, 5000):
        boxes = make_boxes(number, device)
        scores = torch.rand(number, device=device)
        dets = torch.cat([boxes, scores[:, None]], 1)
        cases[f'nms, {number} boxes'] = lambda b=boxes, s=scores: ops.nms(
            b, s, 0.5
        )[0]
        if number == 1000:
            cases['soft-nms, 1000 boxes'] = lambda b=boxes, s=scores: (
                ops.soft_nms(b, s, 0.3)[0]
            )
            cases['nms_match, 1000 boxes'] = lambda d=dets: (
                ops.nms_match(d, 0.5) and None
            )
    return cases


def roi_cases(device: str) -> Dict[str, Case]:
    """Make cases of RoI pooling on pyramid levels."""
    maps = [
        torch.randn(1, CHANNELS, -(-IMAGE[0] // s), -(-IMAGE[1] // s))
        .to(device)
        .requires_grad_()
        for s in STRIDES
    ]
    layers = {
        'RoIAlign': [ops.RoIAlign(7, 1 / s) for s in STRIDES],
        'RoIAlign, max': [
            ops.RoIAlign(7, 1 / s, 2, pool_mode='max') for s in STRIDES
        ],
        'RoIPool': [ops.RoIPool(7, 1 / s) for s in STRIDES],
    }
    cases = {}
    for name, pools in layers.items():
        for number in (100, 2000) if name == 'RoIAlign' else (100,):
            boxes = make_boxes(number, device)
            side = (boxes[:, 2:] - boxes[:, :2]).prod(1).sqrt()
            level = (side / 56).log2().floor().clamp(0, 3).long()
            rois = torch.cat([boxes.new_zeros(number, 1), boxes], 1)
            groups = [rois[level == i] for i in range(len(maps))]

            def pool(pools=pools, groups=groups) -> torch.Tensor:
                return torch.cat(
                    [p(m, g) for p, m, g in zip(pools, maps, groups)]
                )

            cases[f'{name}, {number} boxes on P2 to P5'] = pool
    return cases


def layer_cases(device: str) -> Dict[str, Case]:
    torch.manual_seed(0)
    feats = torch.randn(1, CHANNELS, 50, 84, device=device)
    conv = ops.ModulatedDeformConv2dPack(CHANNELS, CHANNELS, 3, padding=1)
    conv.to(device)
    torch.nn.init.normal_(conv.conv_offset.weight, std=0.02)
    logits = torch.randn(20000, 80, device=device, requires_grad=True)
    targets = torch.randint(81, (20000,), device=device)
    shapes = [(-(-IMAGE[0] // s), -(-IMAGE[1] // s)) for s in (8, 16, 32, 64)]
    keys = sum(h * w for h, w in shapes)
    attention = ops.MultiScaleDeformableAttention(batch_first=True).to(device)
    memory = torch.randn(1, keys, 256, device=device, requires_grad=True)
    points = torch.rand(1, 300, 4, 2, device=device)
    return {
        'modulated deform_conv2d, 256 channels of 50 x 84': lambda: conv(
            feats
        ),
        'sigmoid focal loss, 20000 x 80': lambda: ops.sigmoid_focal_loss(
            logits, targets, 2.0, 0.25, None, 'sum'
        ),
        'softmax focal loss, 20000 x 80': lambda: ops.softmax_focal_loss(
            logits.clone(), targets.clamp(max=79), 2.0, 0.25, None, 'sum'
        ),
        'deformable attention, 300 queries': lambda: attention(
            points.new_zeros(1, 300, 256),
            value=memory,
            reference_points=points,
            spatial_shapes=torch.tensor(shapes, device=device),
            level_start_index=torch.tensor(
                [0, *np.cumsum([h * w for h, w in shapes])[:-1]],
                device=device,
            ),
        ),
    }


def use_extension(extension: ModuleType) -> None:
    """Make mmcv's functions call this extension."""
    for name in MODULES:
        importlib.import_module(f'mmcv.ops.{name}').ext_module = extension


def time_case(case: Case, device: str) -> List[float]:
    """Measure one forward and, if there are gradients, backward pass.

    Returns:
        list[float]: Milliseconds of the forward and of the backward pass.
    """

    def now() -> float:
        if device != 'cpu':
            torch.cuda.synchronize(device)
        return 1000 * time.perf_counter()

    times = [now()]
    out = case()
    times.append(now())
    if out is not None and out.requires_grad:
        out.sum().backward()
        times.append(now())
    return np.diff(times).tolist()


def measure(
    case: Case, extensions: Dict[str, ModuleType], repeat: int, device: str
) -> Dict[str, List[float]]:
    """Measure each pass's median by extension, alternately."""
    times: Dict[str, List[List[float]]] = {name: [] for name in extensions}
    for turn in range(repeat + 1):
        for name, extension in extensions.items():
            use_extension(extension)
            try:
                passes = time_case(case, device)
            except RuntimeError as error:
                if 'for device cpu not found' not in str(error):
                    raise
                continue
            if turn:  # the first round warms up
                times[name].append(passes)
    return {
        name: [median(column) for column in zip(*rows)]
        for name, rows in times.items()
    }


def main() -> None:
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    extensions = {'clhoi_mm': ext}
    extension = importlib.import_module('mmcv._ext')
    if extension.__file__.endswith(tuple(EXTENSION_SUFFIXES)):
        extensions['compiled'] = extension
    print(describe_machine(args.device))
    cases = {}
    for make in (suppression_cases, roi_cases, layer_cases):
        cases.update(make(args.device))
    rows = []
    for name, case in cases.items():
        result = measure(case, extensions, args.repeat, args.device)
        compiled = result.get('compiled') or [None] * 2
        passes = zip(('forward', 'backward'), result['clhoi_mm'], compiled)
        for direction, ops_ms, compiled_ms in passes:
            rows.append(
                {
                    'operator': name,
                    'pass': direction,
                    'clhoi_mm_ms': f'{ops_ms:.2f}',
                    'compiled_ms': f'{compiled_ms:.2f}'
                    if compiled_ms
                    else '-',
                    'ratio': f'{ops_ms / compiled_ms:.2f}'
                    if compiled_ms
                    else '-',
                }
            )
    print_table(rows, list(rows[0]))
