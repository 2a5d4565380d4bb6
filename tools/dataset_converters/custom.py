"""Convert your own data to the project's format.

Takes a COCO detection file and a table of pairs: CSV with the header
human_ann_id,object_ann_id,verb (and optionally invisible), or a JSON list of
objects with these fields. Without --vocabulary, one is made of the verbs and
classes that occur.
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
    parser.add_argument(
        '--images',
        help="the images' folder, to read from them the sizes that the COCO "
        'file lacks, and to check the others',
    )
    parser.add_argument(
        '--person',
        nargs='+',
        default=[],
        metavar='NAME',
        help="categories of people that are not called 'person', such as "
        'human or pedestrian',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        report = convert_custom(
            args.coco,
            args.pairs,
            args.out,
            args.vocabulary,
            args.name,
            args.images,
            progress=True,
            persons=args.person,
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f'custom.py: {error}') from None
    print(
        f'{report.path}: {report.images} images, {report.boxes} boxes, '
        f'{report.pairs} pairs'
    )
    print(
        f'  vocabulary: {report.vocabulary or args.vocabulary}, '
        f'{report.verbs} verbs, {report.classes} classes'
    )
    for note in report.notes:
        print(f'  attention: {note}')


if __name__ == '__main__':
    main()
