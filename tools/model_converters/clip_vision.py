"""Turn Hugging Face's CLIP vision tower into an mmpretrain checkpoint.

Takes openai/clip-vit-base-patch16 and others of its kind as downloaded, and
prints the config to give as model.visual_encoder; docs/models.md says more.
"""
import argparse
from pprint import pformat

from clhoi_mm.models.converters import (convert_clip_vision, read_source,
                                        write_checkpoint)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source',
        help='folder with config.json and model.safetensors or '
        'pytorch_model.bin')
    parser.add_argument(
        '--out',
        required=True,
        help='file to write, such as checkpoints/clip_vit_b16.pth')
    parser.add_argument(
        '--mean',
        nargs=3,
        type=float,
        metavar=('R', 'G', 'B'),
        help="of the detector's data_preprocessor, which normalises the "
        "images that the tower sees; without it they must have CLIP's own")
    parser.add_argument(
        '--std', nargs=3, type=float, metavar=('R', 'G', 'B'), help='likewise')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        state, meta = convert_clip_vision(
            *read_source(args.source), mean=args.mean, std=args.std)
        write_checkpoint(args.out, state, meta)
    except (OSError, ValueError) as error:
        raise SystemExit(f'clip_vision.py: {args.source}: {error}')
    config = dict(
        meta['visual_encoder'],
        init_cfg=dict(type='Pretrained', checkpoint=args.out))
    print(f'{args.out}: {len(state)} tensors')
    print(f'visual_encoder={pformat(config, sort_dicts=False)}')


if __name__ == '__main__':
    main()
