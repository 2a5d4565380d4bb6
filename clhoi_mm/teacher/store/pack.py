import json
import os
from pathlib import Path
from typing import Iterable, Iterator, Union

from tqdm import tqdm

from clhoi_mm.utils.files import atomic_path, work_folder
from clhoi_mm.vocabulary import HOIVocabulary

from ..interaction import Interaction
from ..text_encoders import TextEncoder
from .cache_format import FORMAT, MANIFEST, TENSORS, file_sha256
from .cache_tables import CacheTables
from .caption_weights import is_sum
from .external_sort import ExternalSort
from .interaction_table import InteractionTable
from .pseudo_labels import PseudoLabels


def pack_cache(
    pseudo_labels: Iterable[PseudoLabels],
    out_dir: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    text_encoder: TextEncoder,
    progress: bool = False,
    whole_captions: bool = False,
) -> Path:
    """Write the training layer from pseudo-labels.

    The same pseudo-labels, vocabulary and encoder give the same bytes. The
    manifest is written last, so that a folder with one is complete. Memory
    grows by only some bytes for each image.

    Args:
        pseudo_labels (Iterable[PseudoLabels]): One for each image, in any
            order.
        out_dir (str | PathLike): The folder to write to; made if need be.
        vocabulary (HOIVocabulary): The vocabulary. Names outside it
            get label -1 and a phrase all the same.
        text_encoder (TextEncoder): Embeds captions, sentences and phrases.
        progress (bool): Whether to show progress bars. Defaults to False.
        whole_captions (bool): Whether a caption's vector is kept as it is.
            Defaults to False: the unit sum of its sentences that is nearest
            to it, which takes no space. The manifest states the mean cosine.

    Returns:
        Path: The folder.

    Raises:
        ValueError: A key is empty, no valid unicode or occurs twice, or an
            embedding is not finite.
        OSError: The disk is full; a cache that was there is as it was.
    """
    out_dir = Path(out_dir)
    with work_folder(out_dir, 'pack') as folder:
        tables = CacheTables(folder, vocabulary, whole_captions)
        images = tqdm(
            pseudo_labels, 'sort', unit='image', disable=not progress
        )
        rows = _sort_by_key(images, folder)
        for row in tqdm(rows, 'tables', unit='image', disable=not progress):
            tables.add(row)
        with atomic_path(out_dir / TENSORS) as temp:
            cosine = tables.write(temp, text_encoder, progress)
            size, digest = temp.stat().st_size, file_sha256(temp)
            # Without a manifest, tensors replaced alone are never read.
            (out_dir / MANIFEST).unlink(missing_ok=True)
    manifest = dict(
        format=FORMAT,
        version=tables.version,
        vocabulary=dict(name=vocabulary.name, hash=vocabulary.hash),
        text_encoder=text_encoder.identity,
        dim=text_encoder.dim,
        counts=tables.counts,
        caption_cosine=cosine,
        tensors=dict(file=TENSORS, bytes=size, sha256=digest),
    )
    with atomic_path(out_dir / MANIFEST) as temp:
        temp.write_text(json.dumps(manifest, indent=2) + '\n')
    return out_dir


def texts_of(
    pseudo_labels: Iterable[PseudoLabels],
    vocabulary: HOIVocabulary,
    whole_captions: bool = False,
) -> Iterator[str]:
    """Yield all texts that :func:`pack_cache` embeds, with repeats.

    Args:
        pseudo_labels (Iterable[PseudoLabels]): One for each image.
        vocabulary (HOIVocabulary): The vocabulary.
        whole_captions (bool): As for :func:`pack_cache`.

    Yields:
        str: Captions and sentences, and at the end phrases.
    """
    table = InteractionTable(vocabulary)
    for row in pseudo_labels:
        yield from row.sentences
        if whole_captions or len(row.sentences) > 1 or not is_sum(row):
            yield row.caption
        for item in row.interactions:
            table.add(item.verb, item.object)
    yield from table.phrases


def _sort_by_key(
    pseudo_labels: Iterable[PseudoLabels], folder: Path
) -> Iterator[PseudoLabels]:
    order = ExternalSort(folder)
    for row in pseudo_labels:
        if not row.key:
            raise ValueError(
                'pseudo-labels: field "key" is empty; give '
                'every image its key from the annotation file'
            )
        try:
            row.key.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f'pseudo-labels: key {row.key!r} is no valid '
                f'unicode; rename the file'
            ) from error
        labels = [
            (x.verb, x.object, float(x.score), x.pointed)
            for x in row.interactions
        ]
        order.add(
            row.key,
            json.dumps([row.caption, row.sentences, labels, row.malformed]),
        )
    last = None
    for key, text in order:
        if key == last:
            raise ValueError(
                f'pseudo-labels: key "{key}" occurs twice; keep '
                f'one answer for each image'
            )
        last = key
        caption, sentences, labels, malformed = json.loads(text)
        interactions = [
            Interaction(verb, obj, score, pointed=tuple(map(tuple, pointed)))
            for verb, obj, score, pointed in labels
        ]
        yield PseudoLabels(key, caption, sentences, interactions, malformed)
