"""Export a model's VLT and ICN by torch.export or ONNX.

    python tools/deployment/export_interactions.py WEIGHTS --out part.onnx

The exported program scores any number of human-object pairs from the
detector's maps and instances; the detector itself is mmdet's, which mmdeploy
exports. The outputs are compared with the model's before the file is kept.
"""

import argparse
import os
from pathlib import Path
from typing import Callable

import torch

from clhoi_mm.apis import HOIInferencer
from clhoi_mm.models.exportable_interaction_head import (
    ExportableInteractionHead,
    example_inputs,
    export_interactions,
)

TOLERANCE = 1e-4


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('weights', help='a checkpoint of tools/train.py')
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        help='file to write, .pt2 for torch.export or .onnx',
    )
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        default=(800, 1333),
        metavar=('HEIGHT', 'WIDTH'),
        help="size of the network's input in pixels",
    )
    args = parser.parse_args()
    if args.out.suffix not in ('.pt2', '.onnx'):
        parser.error(f'--out {args.out}: the name must end in .pt2 or .onnx')
    return args


def write_onnx(program: torch.export.ExportedProgram, path: Path) -> Callable:
    """Write ONNX and return a function that runs it."""
    try:
        import onnxruntime
        import onnxscript  # noqa: F401, torch.onnx needs it
    except ModuleNotFoundError as error:
        raise SystemExit(
            f'{error.name} is missing: pip install "clhoi_mm[onnx]", or '
            'choose a name that ends in .pt2'
        ) from None
    torch.onnx.export(program, f=path, verbose=False, external_data=False)
    session = onnxruntime.InferenceSession(path)

    def run(**tensors: torch.Tensor) -> torch.Tensor:
        feats = tensors.pop('feats')
        feed = {f'feats_{i}': feat.numpy() for i, feat in enumerate(feats)}
        feed.update((name, t.numpy()) for name, t in tensors.items())
        used = [node.name for node in session.get_inputs()]
        feed = {name: feed[name] for name in used}
        return torch.from_numpy(session.run(None, feed)[0])

    return run


def write_pt2(program: torch.export.ExportedProgram, path: Path) -> Callable:
    """Write torch's file and return a function that runs it."""
    torch.export.save(program, path)
    return torch.export.load(path).module()


@torch.no_grad()
def main() -> None:
    args = parse_args()
    model = HOIInferencer(weights=args.weights, device='cpu').model
    try:
        program = export_interactions(model, *args.shape)
    except ValueError as error:
        raise SystemExit(f'{args.weights}: {error}') from None
    part = ExportableInteractionHead(model)
    write = write_onnx if args.out.suffix == '.onnx' else write_pt2
    # A temporary file, renamed when complete.
    partial = args.out.with_name(f'.partial-{args.out.name}')
    try:
        run = write(program, partial)
        worst = 0.0
        for instances in (3, 10, 40):
            tensors = example_inputs(model, *args.shape, instances)
            error = (run(**tensors) - part(**tensors)).abs().max().item()
            worst = max(worst, error)
        if not worst < TOLERANCE:
            raise SystemExit(
                f'{args.out}: not written, scores differ from the model by '
                f'{worst:.2g}'
            )
        os.replace(partial, args.out)
    finally:
        partial.unlink(missing_ok=True)
    print(f'{args.out}: scores differ from the model by {worst:.1g} at most')


if __name__ == '__main__':
    main()
