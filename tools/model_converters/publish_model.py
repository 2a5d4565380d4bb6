"""Prepare a checkpoint for publication, named by its hash.

Optimizer, schedulers, logs and the unaveraged weights of an EMA hook are
removed; weights, classes and config are kept. See docs/models.md.
"""

import argparse
import hashlib
import io
import os
from pathlib import Path

import torch

from clhoi_mm.models import load_weights
from clhoi_mm.models.published import model_config, publish
from clhoi_mm.utils.files import atomic_path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('in_file', help='checkpoint of tools/train.py')
    parser.add_argument(
        'out_file',
        help='what to write: NAME.pth becomes NAME-HASH.pth, with the first '
        "eight digits of its content's sha256",
    )
    parser.add_argument(
        '--strip-detector',
        action='store_true',
        help="leave out the frozen detector's weights, which users then "
        'give as model.detector.checkpoint',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        checkpoint = load_weights(args.in_file)
        published = publish(checkpoint, args.strip_detector)
        content = io.BytesIO()
        torch.save(published, content)
        digest = hashlib.sha256(content.getbuffer()).hexdigest()
        stem = args.out_file.removesuffix('.pth')
        path = Path(f'{stem}-{digest[:8]}.pth')
        with atomic_path(path) as temporary:
            temporary.write_bytes(content.getbuffer())
    except (OSError, ValueError) as error:
        raise SystemExit(
            f'publish_model.py: {args.in_file}: {error}'
        ) from None
    left_out = [key for key in checkpoint if key not in published]
    print(
        f'{path}: {len(content.getbuffer()) / 1e6:.1f} MB of '
        f'{os.path.getsize(args.in_file) / 1e6:.1f} MB; left out: '
        f'{", ".join(left_out) or "nothing"}'
    )
    if args.strip_detector:
        adapter = model_config(checkpoint).get('detector', {})
        print(
            'to be given beside it, as model.detector.checkpoint: '
            f'the weights of {adapter.get("detector", {}).get("type")} that '
            f'were at {adapter.get("checkpoint")}'
        )


if __name__ == '__main__':
    main()
