"""Convert V-COCO's annotations to the project's format.

Takes the official vcoco_{train,val,trainval,test}.json together with COCO's
instances files, or fredzzhang's instances_vcoco_*.json; the format is
recognized by its content. Only the former contain all of V-COCO.
"""

import argparse

from clhoi_mm.annotations.converters import convert_v_coco


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'sources', nargs='+', help='files of one kind, which are joined'
    )
    parser.add_argument(
        '--out',
        required=True,
        help='file to write, such as data/v_coco/annotations/test.json',
    )
    parser.add_argument(
        '--coco',
        nargs='+',
        default=[],
        help="COCO's instances_train2014.json and instances_val2014.json, or "
        "V-COCO's instances_vcoco_all_2014.json",
    )
    parser.add_argument(
        '--ids',
        help="list of image ids as V-COCO's splits/vcoco_test.ids: keep these "
        'images only',
    )
    parser.add_argument(
        '--images',
        help="folder with train2014/ and val2014/, for the images' sizes "
        'where --coco is not given',
    )
    parser.add_argument(
        '--skip-missing',
        action='store_true',
        help='leave out images of instances_vcoco_*.json that --images lacks',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        report = convert_v_coco(
            args.sources,
            args.out,
            coco=args.coco,
            ids=args.ids,
            images=args.images,
            progress=True,
            skip_missing=args.skip_missing,
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f'v_coco.py: {error}') from None
    print(f'{report.path}: from {report.source}')
    print(
        f'  {report.images} images, {report.boxes} boxes, {report.persons} '
        f'persons labeled for interactions, {report.unlabeled} not'
    )
    print(
        f'  {report.rows} rows of {report.verbs} action roles, '
        f'{report.pairs} of them with an object'
    )
    if report.missing:
        print(
            f'  attention: {len(report.missing)} images are not in '
            f'{args.images} and left out, the first is {report.missing[0]}; '
            'scores on the others compare with no published ones'
        )
    if not report.complete:
        print(
            '  attention: these files hold the pairs of 24 action roles '
            'alone. Persons without a pair, absent roles, "point" and '
            'actions without an object are missing; scores that follow '
            "V-COCO's protocol need the official files and COCO's."
        )
    if report.sizes_from == 'the extent of the boxes':
        print(
            "  attention: the source lacks the images' sizes; give --coco "
            'or --images to load images with this file'
        )


if __name__ == '__main__':
    main()
