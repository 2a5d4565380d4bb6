"""Turn Hugging Face's DETR into an mmdet checkpoint.

Takes facebook/detr-resnet-50 or -101 as downloaded, for
configs/_base_/models/detr_r50.py; docs/models.md says more.
"""
import argparse

from clhoi_mm.models.converters import (convert_detr, read_source,
                                        write_checkpoint)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source',
        help='folder with model.safetensors and config.json, or the file of '
        'weights')
    parser.add_argument(
        '--out',
        required=True,
        help='file to write, such as checkpoints/detr_r50_coco.pth')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        state, meta = convert_detr(*read_source(args.source))
        write_checkpoint(args.out, state, meta)
    except (OSError, ValueError) as error:
        raise SystemExit(f'detr.py: {args.source}: {error}')
    classes = meta['dataset_meta']['classes']
    print(f'{args.out}: {len(state)} tensors, {len(classes)} classes from '
          f'{classes[0]} to {classes[-1]}')


if __name__ == '__main__':
    main()
