"""Convert HICO-DET's annotations to the project's format.

Takes the official anno_bbox.mat (both splits), PPDM's and QPIC's
trainval_hico.json and test_hico.json, or hicodet's
instances_{train,test}2015.json; the format is recognized by its content.
Writes train.json and test.json, as far as the sources have them.
"""

import argparse

from clhoi_mm.annotations.converters import convert_hico_det


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('sources', nargs='+', help='file, or train and test')
    parser.add_argument(
        '--out',
        default='data/hico_det/annotations',
        help='folder, or a .json file where the sources hold one split '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--images',
        help="folder with train2015/ and test2015/, for the images' sizes; "
        'needed with trainval_hico.json and test_hico.json, which lack them, '
        'if images are to be loaded',
    )
    parser.add_argument(
        '--drop-inconsistent',
        action='store_true',
        help='leave out pairs that contradict their boxes or classes instead '
        "of refusing the file (QPIC's loader skips such records of "
        'trainval_hico.json)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        reports = convert_hico_det(
            args.sources,
            args.out,
            args.images,
            args.drop_inconsistent,
            progress=True,
        )
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f'hico_det.py: {error}') from None
    for report in reports:
        print(f'{report.path}: from {report.source}')
        print(
            f'  {report.images} images, {report.without_pairs} of them '
            'without pairs'
        )
        print(
            f'  {report.pairs} pairs of {report.classes} classes, '
            f'{report.boxes} boxes, {report.invisible} invisible '
            'interactions'
        )
        print(
            f'  {report.rare} rare and {600 - report.rare} non-rare '
            f'classes ({report.rare_from})'
        )
        if report.rare_differs:
            print(
                f'  attention: {report.rare_differs} classes are not rare '
                'or non-rare as published; are all training annotations '
                'there?'
            )
        if report.sizes_from.endswith('the extent of the boxes'):
            print(
                "  attention: the images' sizes are from "
                f'{report.sizes_from}; '
                'give --images to load images with this file'
            )
        for line in report.dropped:
            print(f'  dropped {line}')


if __name__ == '__main__':
    main()
