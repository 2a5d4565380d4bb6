"""Write your own data in the project's format.

Takes a COCO detection file and a table of pairs: CSV with the header
human_ann_id,object_ann_id,verb (and optionally invisible), or a JSON list of
objects with these fields. Without --vocabulary, one is made of what occurs.
"""

import argparse

from clhoi_mm.annotations.converters import convert_custom


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('coco', help='COCO file: images, boxes, categories')
    parser.add_argument('pairs', help='CSV or JSON file with the pairs')
    parser.add_argument('--out', required=True, help='JSON file to write')
    parser.add_argument(
        '--vocabulary',
        help='hico_det, v_coco or a vocabulary JSON, such as the one made '
        'for the training split (default: made, and written beside the '
        'output)',
    )
    parser.add_argument(
        '--name',
        default='custom',
        help='name of the vocabulary that is made (default: %(default)s)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        report = convert_custom(
            args.coco, args.pairs, args.out, args.vocabulary, args.name
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f'custom.py: {error}')
    print(
        f'{report.path}: {report.images} images, {report.boxes} boxes, '
        f'{report.pairs} pairs'
    )
    print(
        f'  vocabulary: {report.vocabulary or args.vocabulary}, '
        f'{report.verbs} verbs, {report.classes} classes'
    )


if __name__ == '__main__':
    main()
