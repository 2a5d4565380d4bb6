"""Turn torchvision's Faster R-CNN R50-FPN into an mmdet checkpoint.

Takes fasterrcnn_resnet50_fpn_coco-258fb6c6.pth, for
configs/_base_/models/faster_rcnn_r50_fpn.py; docs/models.md says more.
"""
import argparse

from clhoi_mm.models.converters import (convert_faster_rcnn, read_source,
                                        write_checkpoint)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='the file of weights')
    parser.add_argument(
        '--out',
        required=True,
        help='file to write, such as checkpoints/faster_rcnn_r50_coco.pth')
    parser.add_argument(
        '--eps',
        type=float,
        default=0.,
        help="of the source's batch norms: 0 (default) in torchvision's own "
        'file, 1e-5 in one trained with BatchNorm2d')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        state, meta = convert_faster_rcnn(
            read_source(args.source)[0], args.eps)
        write_checkpoint(args.out, state, meta)
    except (OSError, ValueError) as error:
        raise SystemExit(f'faster_rcnn.py: {args.source}: {error}')
    classes = meta['dataset_meta']['classes']
    print(f'{args.out}: {len(state)} tensors, {len(classes)} classes from '
          f'{classes[0]} to {classes[-1]}')


if __name__ == '__main__':
    main()
