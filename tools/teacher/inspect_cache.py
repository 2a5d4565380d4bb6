"""Show a teacher's pseudo-labels, and compare with annotations.

show: caption, sentences, interactions with scores, and failures, as text or
drawn below the image. compare: precision, recall and mAP over images, for
each verb. check: compare every byte of a cache with its manifest. FROM is a
pass's folder, a cache, or a parsed layer (.parquet or .jsonl). Needs neither
torch nor mmdet; show --out needs Pillow and matplotlib.
"""

import argparse
import json
import sys
from difflib import get_close_matches
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from tqdm import tqdm

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.teacher import TeacherCache, read_image_labels
from clhoi_mm.teacher.interaction import Interaction
from clhoi_mm.teacher.offline_stages import PARSED
from clhoi_mm.teacher.requests.images import load_image
from clhoi_mm.teacher.simulation.image_level import (
    ImageLevelResult,
    evaluate_image_level,
)
from clhoi_mm.teacher.store.cache_format import MANIFEST
from clhoi_mm.teacher.store.interaction_table import InteractionTable
from clhoi_mm.teacher.store.lookup import (
    ImageRecord,
    read_image_records,
    vocabulary_of,
)
from clhoi_mm.teacher.store.parsed_file import read_parsed
from clhoi_mm.utils.files import atomic_path
from clhoi_mm.utils.key_matching import no_match_message
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.vocabulary import HOIVocabulary

# Keys that are searched for the nearest one.
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
        help="a pass's folder or a JSONL file with the answers' texts "
        '(default: in FROM)',
    )
    show.add_argument(
        '--images', type=Path, help='folder that keys are paths in'
    )
    show.add_argument('--out', type=Path, help='folder for pictures')
    compare = commands.add_parser('compare', help='with an annotation file')
    compare.add_argument(
        '--ann', required=True, help="annotation file in the project's format"
    )
    check = commands.add_parser('check', help='a cache, byte by byte')
    for command in (show, compare, check):
        command.add_argument('source', metavar='FROM')
        command.add_argument(
            '--vocab',
            help='hico_det, v_coco, mini or the path of a vocabulary JSON '
            "(default: the cache's, else that of --ann)",
        )
        command.add_argument('--json', action='store_true', help='print JSON')
    return parser.parse_args()


def load_vocabulary(args: argparse.Namespace) -> Optional[HOIVocabulary]:
    return None if args.vocab is None else HOIVocabulary.load(args.vocab)


def vocabulary_like(ann_file: str) -> HOIVocabulary:
    """Find the shipped vocabulary of an annotation file.

    Raises:
        ValueError: If it is of none.
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


def parsed_layer(source: Path) -> Optional[Path]:
    """Find the parsed layer; None for a cache."""
    if source.is_file():
        return source
    if (source / MANIFEST).is_file():
        return None
    return (
        source / PARSED
        if (source / PARSED).is_file()
        else (source / 'parsed.jsonl')
    )


def all_keys(source: Path) -> Iterator[str]:
    """Iterate over the keys of all images."""
    parsed = parsed_layer(source)
    if parsed is None:
        return TeacherCache(source).keys()
    return (key for key, _ in read_parsed(parsed))


def show(args: argparse.Namespace) -> None:
    source = Path(args.source)
    keys = [normalize_key(key) for key in args.keys or ()]
    keys = keys or list(islice(all_keys(source), args.num))
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
        known = list(islice(all_keys(source), _NUM_COMPARED))
    except FileNotFoundError:  # nothing is parsed yet
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
    for row in image.failures:
        after = ' (answered since)' if row['answered'] else ''
        lines.append(
            f'  failed  {row["kind"]}: {row["reason"]}: '
            f'{row["message"]}{after}'
        )
    return lines


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
        np.asarray(load_image(root / image.key)), image.caption, labels
    )
    with atomic_path(picture_path(out, image.key)) as temp:
        Image.fromarray(picture).save(temp, 'png')


def picture_path(out: Path, key: str) -> Path:
    """Build a path below ``out`` from any key."""
    key = PurePath(key)
    parts = [x for x in key.parts if x not in (key.anchor, '..')]
    return out.joinpath(*parts[:-1], f'{parts[-1]}.png')


Prediction = Tuple[str, List[int], List[float], int]


def read_predictions(
    source: Path, vocabulary: HOIVocabulary
) -> Iterator[Prediction]:
    """Yield keys, HOI classes, scores and numbers of other pairs."""
    parsed = parsed_layer(source)
    if parsed is not None:
        table = InteractionTable(vocabulary)
        for key, interactions in read_parsed(parsed):
            items = [
                (table.add(x.verb, x.object)[2], x.score) for x in interactions
            ]
            yield split(key, items)
        return
    cache = TeacherCache(source)
    for key in cache.keys():
        labels = cache.get(key)
        yield split(key, list(zip(labels['hoi_labels'], labels['scores'])))


def split(key: str, items: List[Tuple[int, float]]) -> Prediction:
    known = [(int(hoi), float(score)) for hoi, score in items if hoi >= 0]
    return (
        key,
        [hoi for hoi, _ in known],
        [score for _, score in known],
        len(items) - len(known),
    )


def compare(args: argparse.Namespace) -> None:
    source = Path(args.source)
    vocabulary = load_vocabulary(args)
    if parsed_layer(source) is None:
        vocabulary = vocabulary_of(TeacherCache(source), vocabulary)
    elif vocabulary is None:
        vocabulary = vocabulary_like(args.ann)
    truth = {x.key: x.hois for x in read_image_labels(args.ann, vocabulary)}
    place: Dict[str, int] = {}
    predicted: List[Tuple[int, int, float]] = []
    true: List[Tuple[int, int]] = []
    outside = elsewhere = 0
    for key, hois, scores, others in read_predictions(source, vocabulary):
        if key not in truth:
            elsewhere += 1
            continue
        number = place.setdefault(key, len(place))
        predicted += [(number, hoi, score) for hoi, score in zip(hois, scores)]
        true += [(number, hoi) for hoi in truth[key]]
        outside += others
    if not place:
        raise ValueError(
            no_match_message(all_keys(source), truth, source, args.ann)
        )
    # no_interaction classes, which no annotation has, do not count.
    is_none = vocabulary.no_interaction_mask
    predicted = [x for x in predicted if not is_none[x[1]]]
    images, labels, scores = np.array(predicted or np.zeros((0, 3))).T
    true_images, true_labels = np.array(true or np.zeros((0, 2)), int).T
    result = evaluate_image_level(
        images.astype(int),
        labels.astype(int),
        scores,
        true_images,
        true_labels,
        len(place),
        vocabulary.num_hois,
    )
    counts = dict(
        images=len(place),
        images_not_asked=len(truth) - len(place),
        images_not_annotated=elsewhere,
        outside_vocabulary=outside,
    )
    if args.json:
        print(json.dumps(to_dict(counts, result, vocabulary)))
    else:
        print_table(counts, result, vocabulary)


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


def by_verb(
    result: ImageLevelResult, vocabulary: HOIVocabulary
) -> Dict[str, Dict[str, Any]]:
    """Summarize each verb that is annotated or predicted."""
    summaries = {
        verb: result.summary(vocabulary.hoi_verbs == label)
        for label, verb in enumerate(vocabulary.verbs)
    }
    return {
        verb: row
        for verb, row in summaries.items()
        if row['true'] or row['predicted']
    }


def to_dict(
    counts: Dict[str, int], result: ImageLevelResult, vocabulary: HOIVocabulary
) -> Dict[str, Any]:
    classes = [
        dict(
            verb=vocabulary.verbs[verb],
            object=vocabulary.objects[obj],
            true=int(result.num_true[i]),
            predicted=int(result.num_predicted[i]),
            correct=int(result.num_correct[i]),
            AP=100 * result.ap[i] if result.num_true[i] else None,
        )
        for i, (verb, obj) in enumerate(
            zip(vocabulary.hoi_verbs, vocabulary.hoi_objects)
        )
    ]
    return dict(
        **counts,
        all=result.summary(),
        verbs=by_verb(result, vocabulary),
        classes=classes,
    )


def print_table(
    counts: Dict[str, int], result: ImageLevelResult, vocabulary: HOIVocabulary
) -> None:
    print(
        f'{counts["images"]} images compared; '
        f'{counts["images_not_asked"]} of the annotation file have no '
        f'pseudo-labels, {counts["images_not_annotated"]} are not in it; '
        f'{counts["outside_vocabulary"]} interactions outside the '
        f'vocabulary\n'
    )
    print(
        f'{"":20}{"true":>8}{"pred":>8}{"correct":>8}{"precision":>11}'
        f'{"recall":>8}{"mAP":>8}'
    )
    rows = by_verb(result, vocabulary)
    order = sorted(rows, key=lambda verb: (-rows[verb]['true'], verb))
    for name, row in [
        ('all', result.summary()),
        *((verb, rows[verb]) for verb in order),
    ]:
        shares = [
            '-' if row[x] is None else f'{row[x]:.1f}'
            for x in ('precision', 'recall', 'mAP')
        ]
        print(
            f'{name:20}{row["true"]:8}{row["predicted"]:8}{row["correct"]:8}'
            f'{shares[0]:>11}{shares[1]:>8}{shares[2]:>8}'
        )


def main() -> None:
    args = parse_args()
    try:
        dict(show=show, compare=compare, check=check)[args.command](args)
    except (OSError, ValueError, KeyError, ImportError) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        sys.exit(f'inspect_cache.py: {message}')


if __name__ == '__main__':
    main()
