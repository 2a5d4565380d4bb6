"""List photos whose captions mention people, one per line.

The list is an input of `annotate.py --images` and UnlabeledHOIDataset. Photos
of a test benchmark are left out by --without.
"""

import argparse

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.teacher.backends.caption_file import read_caption_files
from clhoi_mm.teacher.backends.captioned_people import people_photos
from clhoi_mm.utils.files import atomic_path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'captions',
        help="COCO's captions, or another file for annotate.py --captions",
    )
    parser.add_argument(
        '--out', required=True, help='list to write, such as photos.txt'
    )
    parser.add_argument(
        '--without',
        nargs='+',
        default=[],
        metavar='ANN',
        help='annotation files of the converters with COCO photos to leave '
        'out',
    )
    parser.add_argument(
        '--at-least',
        type=int,
        default=2,
        help='minimum number of captions that name a person (default: 2)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        file = read_caption_files(args.captions)
        ids = {
            image
            for path in args.without
            for image in AnnotationFile.read(path).image_ids
        }
        photos = people_photos(file.captions, args.at_least, ids)
        if not photos:
            raise ValueError(
                f'{args.captions}: {args.at_least} captions name a person of '
                'no photo that is not left out; give a smaller --at-least'
            )
        with atomic_path(args.out) as partial:
            partial.write_text('\n'.join(photos) + '\n')
    except (OSError, ValueError) as error:
        raise SystemExit(f'captioned.py: {error}') from None
    print(
        f'{args.out}: {len(photos)} of {len(file.captions)} photos show '
        'people by their captions'
        + (' and are in no file of --without' if args.without else '')
    )
    for note in file.notes:
        print(f'  attention: {note}')


if __name__ == '__main__':
    main()
