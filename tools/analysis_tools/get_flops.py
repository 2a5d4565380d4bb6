"""Count parameters and FLOPs of a model's parts.

A multiply-add counts as two FLOPs. Matrix products, convolutions and attention
are counted, as by torch.utils.flop_counter; RoI pooling, norms and activations
are not.
"""

import argparse
import os
from typing import Any, Callable, Dict, Tuple

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from clhoi_mm.config_file import add_cfg_options, read_config
from clhoi_mm.models import CLHOI

ROOT = os.path.dirname(os.path.abspath(__file__ + '/../..'))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'config',
        nargs='?',
        default=os.path.join(ROOT, 'configs', 'clhoi_r50_hico.py'),
        help='path of the config (default: configs/clhoi_r50_hico.py)',
    )
    parser.add_argument(
        '--pairs',
        type=int,
        default=100,
        help='human-object pairs in the image (default 100)',
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=[800, 1333],
        metavar=('HEIGHT', 'WIDTH'),
    )
    add_cfg_options(parser)
    return parser.parse_args()


def count_parameters(*parts: nn.Module) -> Tuple[int, int]:
    """Count parameters of parts, and the trained ones among them."""
    params = {id(p): p for part in parts for p in part.parameters()}
    return (
        sum(p.numel() for p in params.values()),
        sum(p.numel() for p in params.values() if p.requires_grad),
    )


def count_flops(work: Callable) -> Tuple[int, object]:
    """Count FLOPs of work, and return its result."""
    # FlopCounterMode's module tracker fails without gradients.
    with FlopCounterMode(display=False) as counter:
        result = work()
    return counter.get_total_flops(), result


def measure(
    model: CLHOI, scenes: Any, pairs: int
) -> Dict[str, Tuple[int, int, int]]:
    """Count parameters, trained ones and FLOPs of each part."""
    inputs, sample = scenes.inputs(1), scenes.sample()
    detector = model.detector
    maps, feats = count_flops(lambda: detector.extract_feat(inputs))
    heads, outputs = count_flops(
        lambda: detector.detect(inputs, feats, [sample])
    )
    if 'query_embeds' in outputs[0]:
        scenes.query_embed_dims = outputs[0].query_embeds.size(1)
    scenes.allow(pairs)
    sample.detections = scenes.detections(pairs)
    formed = model.generate_pairs(inputs, feats, [sample])
    if len(formed) != pairs:
        raise SystemExit(
            f'{len(formed)} pairs, not {pairs}: the pairing of '
            'this config leaves some out'
        )
    body = [detector.model.backbone]
    if getattr(detector.model, 'neck', None) is not None:
        body.append(detector.model.neck)
    rest = [child for child in detector.model.children() if child not in body]
    rows = {
        'detector: backbone and neck': (*count_parameters(*body), maps),
        'detector: the rest': (*count_parameters(*rest), heads),
    }
    context = None
    if model.vlt is not None:
        flops, context = count_flops(
            lambda: model.student.encode_context(inputs, feats, [sample])
        )
        rows['VLT'] = (*count_parameters(model.vlt), flops)
    if model.icn is not None:
        flops, _ = count_flops(
            lambda: model.student.score_pairs(
                feats, formed, context, model.teacher_head.classifier
            )
        )
        rows[f'ICN, {pairs} pairs'] = (*count_parameters(model.icn), flops)
    known_params = set(map(id, detector.parameters()))
    known_params.update(
        id(p)
        for part in (model.vlt, model.icn)
        if part is not None
        for p in part.parameters()
    )
    other_params = [p for p in model.parameters() if id(p) not in known_params]
    rows['in training only'] = (
        sum(p.numel() for p in other_params),
        sum(p.numel() for p in other_params if p.requires_grad),
        0,
    )
    rows['all'] = (
        *count_parameters(model),
        sum(flops for _, _, flops in rows.values()),
    )
    return rows


def main() -> None:
    args = parse_args()
    if args.pairs < 1:
        raise SystemExit('--pairs is 1 or more')
    from benchmarks.setup import Scenes, build_model

    model = build_model(read_config(args.config, args.cfg_options), 'cpu')
    rows = measure(model, Scenes(model, *args.size), args.pairs)
    print(f'{args.size[0]} x {args.size[1]} pixels')
    print('| part | parameters (M) | trained (M) | GFLOPs |')
    print('|---|---|---|---|')
    for name, (params, trained, flops) in rows.items():
        print(
            f'| {name} | {params / 1e6:.2f} | {trained / 1e6:.2f} | '
            f'{flops / 1e9:.2f} |'
        )


if __name__ == '__main__':
    main()
