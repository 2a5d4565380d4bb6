"""Show a teacher's pseudo-labels, and compare with annotations.

show: caption, sentences, interactions with scores and pointed pairs, and
failures, as text or drawn. compare: precision, recall, mAP and kinds of false
labels over images, for one or several teachers. check: compare every byte of
a cache with its manifest. FROM is a teacher job's folder, a cache, or a parsed
layer (.parquet or .jsonl). Needs neither torch nor mmdet; show --out needs
Pillow and matplotlib.
"""

import argparse
import json
import sys
from difflib import get_close_matches
from itertools import islice
from pathlib import Path, PurePath
from typing import List, Optional

import numpy as np
from tqdm import tqdm

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.evaluation.annotated_images import AnnotatedImages
from clhoi_mm.teacher.evaluation.label_reader import parsed_layer, read_keys
from clhoi_mm.teacher.evaluation.result_tables import comparison_lines
from clhoi_mm.teacher.evaluation.teacher_result import evaluate_teacher
from clhoi_mm.teacher.interaction import Interaction, PointedPair
from clhoi_mm.teacher.requests.detected_objects import read_detected_objects
from clhoi_mm.teacher.requests.images import load_image
from clhoi_mm.teacher.store.lookup import (
    ImageRecord,
    read_image_records,
    vocabulary_of,
)
from clhoi_mm.utils.files import atomic_path
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.vocabulary import HOIVocabulary

# Maximum number of keys searched for the most similar one.
_NUM_COMPARED = 100_000


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='inspect_cache.py',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest='command', required=True)
    show = commands.add_parser('show', help='pseudo-labels of images')
    show.add_argument(
        '--keys', nargs='+', help='the images (default: the first --num)'
    )
    show.add_argument('--num', type=int, default=3, help='default 3')
    show.add_argument(
        '--raw',
        help="a job's folder or a JSONL file with the answers' texts "
        '(default: in FROM)',
    )
    show.add_argument(
        '--images', type=Path, help='folder that keys are paths in'
    )
    show.add_argument('--out', type=Path, help='folder for pictures')
    compare = commands.add_parser('compare', help='with an annotation file')
    _add_compare(compare)
    check = commands.add_parser('check', help='a cache, byte by byte')
    for command in (show, check):
        command.add_argument('source', metavar='FROM')
    for command in (show, compare, check):
        command.add_argument(
            '--vocab',
            help='hico_det, v_coco, mini or the path of a vocabulary JSON '
            "(default: the cache's, else that of --ann)",
        )
        command.add_argument('--json', action='store_true', help='print JSON')
    return parser.parse_args()


def _add_compare(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add('sources', metavar='FROM', nargs='+', help='one for each teacher')
    add('--ann', required=True, help="annotation file in the project's format")
    add(
        '--objects',
        help='all objects of the images, as annotate.py --objects reads '
        'them, to distinguish false labels of present and absent objects',
    )
    add(
        '--ids',
        metavar='LIST',
        help='images to compare, one key or id of the annotation file a line '
        '(default: all)',
    )
    add(
        '--without',
        nargs='+',
        default=[],
        metavar='LIST',
        help='such lists of images to leave out',
    )
    add('--by-verb', action='store_true', help='also a table of verbs')


def load_vocabulary(args: argparse.Namespace) -> Optional[HOIVocabulary]:
    return None if args.vocab is None else HOIVocabulary.load(args.vocab)


def vocabulary_like(ann_file: str) -> HOIVocabulary:
    """Find the shipped vocabulary of an annotation file.

    Raises:
        ValueError: If none has its verbs.
    """
    content = AnnotationFile.read(ann_file).content
    verbs = set(content['verbs'])
    objects = {category['name'] for category in content['categories']}
    for name in ('v_coco', 'hico_det', 'mini'):
        vocabulary = HOIVocabulary.load(name)
        if verbs == set(vocabulary.verbs) and objects <= set(
            vocabulary.objects
        ):
            return vocabulary
    raise ValueError(
        f'{ann_file}: its verbs are those of no shipped vocabulary; name '
        'theirs with --vocab'
    )


def show(args: argparse.Namespace) -> None:
    source = Path(args.source)
    keys = [normalize_key(key) for key in args.keys or ()]
    keys = keys or list(islice(read_keys(source), args.num))
    records = read_image_records(source, keys, load_vocabulary(args), args.raw)
    if args.json:
        print(json.dumps([image.to_dict() for image in records.values()]))
    else:
        texts = ['\n'.join(lines_of(image)) for image in records.values()]
        print('\n\n'.join(texts))
    if args.out:
        if args.images is None:
            raise ValueError(
                '--out: give the folder of the images with --images'
            )
        for image in tqdm(records.values(), 'pictures'):
            draw(image, args.images, args.out)
    unknown = [key for key, x in records.items() if x == ImageRecord(key)]
    if unknown:
        raise ValueError(
            f'{len(unknown)} of {len(records)} images are not in {source}, '
            f'for one {unknown[0]!r}{nearest(unknown[0], source)}'
        )


def nearest(key: str, source: Path) -> str:
    """Describe the key that is most similar to another."""
    try:
        known = list(islice(read_keys(source), _NUM_COMPARED))
    except FileNotFoundError:  # not parsed yet
        return ''
    found = get_close_matches(key, known, 1) or known[:1]
    return f'; the nearest of its keys is {found[0]!r}' if found else ''


def lines_of(image: ImageRecord) -> List[str]:
    """Format an image's answers and pseudo-labels."""
    lines = [image.key]
    if image.caption is None:
        lines.append('  no caption')
    lines += [f'  {i}. {text}' for i, text in enumerate(image.sentences, 1)]
    if image.interactions is None:
        lines.append('  not among the interactions')
    elif not image.interactions:
        lines.append('  no interactions')
    for item in image.interactions or ():
        outside = '' if item.in_vocabulary else ', outside the vocabulary'
        lines.append(
            f'  {item.score:5.2f}  {name_of(item):32} {item.source}{outside}'
        )
        lines += [f'         {pair_text(pair)}' for pair in item.pointed]
    for row in image.failures:
        after = ' (answered since)' if row['answered'] else ''
        lines.append(
            f'  failed  {row["kind"]}: {row["reason"]}: '
            f'{row["message"]}{after}'
        )
    return lines


def pair_text(pair: PointedPair) -> str:
    """Format the boxes of a pointed pair."""
    human, obj = (
        ' '.join(f'{number:.0f}' for number in box)
        for box in (pair[:4], pair[4:])
    )
    return f'points at person [{human}], object [{obj}]'


def name_of(item: Interaction) -> str:
    return f'{item.verb} {item.object}'.replace('_', ' ')


def draw(image: ImageRecord, root: Path, out: Path) -> None:
    """Draw the pseudo-labels below the image."""
    from PIL import Image

    from clhoi_mm.visualization.pseudo_labels import draw_pseudo_labels

    labels = None
    if image.interactions is not None:
        labels = [(name_of(x), x.score) for x in image.interactions]
    picture = draw_pseudo_labels(
        np.asarray(load_image(root / image.key)),
        image.caption,
        labels,
        pointed=[
            (name_of(item), pair)
            for item in image.interactions or ()
            for pair in item.pointed
        ],
    )
    with atomic_path(picture_path(out, image.key)) as temp:
        Image.fromarray(picture).save(temp, 'png')


def picture_path(out: Path, key: str) -> Path:
    """Build a path below ``out`` from any key."""
    key = PurePath(key)
    parts = [x for x in key.parts if x not in (key.anchor, '..')]
    return out.joinpath(*parts[:-1], f'{parts[-1]}.png')


def compare(args: argparse.Namespace) -> None:
    sources = [Path(source) for source in args.sources]
    vocabulary = load_vocabulary(args)
    for source in sources:
        if parsed_layer(source) is None:
            vocabulary = vocabulary_of(TeacherCache(source), vocabulary)
    vocabulary = vocabulary or vocabulary_like(args.ann)
    annotated = AnnotatedImages(args.ann, vocabulary, args.ids, args.without)
    objects = None
    if args.objects is not None:
        objects = read_detected_objects(args.objects, vocabulary)
        for note in objects.notes:
            print(note, file=sys.stderr)
    results = [
        evaluate_teacher(source, annotated, vocabulary, objects)
        for source in sources
    ]
    if args.json:
        for result in results:
            print(json.dumps(result.to_dict()))
    else:
        print(
            '\n'.join(comparison_lines(results, annotated.hois, args.by_verb))
        )


def check(args: argparse.Namespace) -> None:
    cache = TeacherCache(args.source, load_vocabulary(args), verify=True)
    if args.json:
        print(json.dumps(cache.manifest))
    else:
        counts = ', '.join(
            f'{number} {name.replace("_", " ")}'
            for name, number in cache.manifest['counts'].items()
        )
        print(f'whole: {counts}')


def main() -> None:
    args = parse_args()
    try:
        dict(show=show, compare=compare, check=check)[args.command](args)
    except (OSError, ValueError, KeyError, ImportError) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        sys.exit(f'inspect_cache.py: {message}')


if __name__ == '__main__':
    main()
