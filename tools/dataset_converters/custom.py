"""Write your own data in the project's format.

Takes a COCO detection file and a table of pairs: CSV with the header
human_ann_id,object_ann_id,verb (and optionally invisible), or a JSON list of
objects with these fields. Without --vocabulary, one is made of what occurs.
"""

import argparse
import warnings
from typing import List, Tuple

from clhoi_mm.annotations.converters import CustomReport, convert_custom


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
    return parser.parse_args()


def convert(args: argparse.Namespace) -> Tuple[CustomReport, List[str]]:
    """Convert, and collect what the user should know."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always', UserWarning)
        report = convert_custom(
            args.coco,
            args.pairs,
            args.out,
            args.vocabulary,
            args.name,
            args.images,
            progress=True,
        )
    return report, [*(str(one.message) for one in found), *report.notes]


def main() -> None:
    args = parse_args()
    try:
        report, notes = convert(args)
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
    for note in notes:
        print(f'  attention: {note}')


if __name__ == '__main__':
    main()
