"""Split of an annotation file for experiments on boxes alone."""

import os
import os.path as osp
import zlib
from collections import Counter
from pathlib import Path
from typing import Dict, Optional, Tuple, Union

from clhoi_mm.vocabulary import HOIVocabulary

from .geometry_file import GeometryFile, SplitReport

# Percentages at which the splits end.
ENDS = dict(train=60, val=70, test=100)
# Percentage of official training images that are held out for validation.
HELD_OUT = 10
MAX_PAIRS = 200


def split_of(file_name: str, fold: Optional[Tuple[int, int]] = None) -> str:
    """Assign an image to a split by its name's CRC-32.

    Args:
        file_name (str): With or without folders.
        fold (tuple[int, int], optional): (k, n) for n-fold cross-validation
            on all images outside the test split: fold k (from 0) is the
            validation split, the others train. Defaults to None.

    Returns:
        str: 'train' (60 of 100), 'val' (10) or 'test' (30).
    """
    number, rest = divmod(_name_hash(file_name), 100)
    split = next(name for name, end in ENDS.items() if rest < end)
    if fold is None or split == 'test':
        return split
    return 'val' if number % fold[1] == fold[0] else 'train'


def _name_hash(file_name: str) -> int:
    return zlib.crc32(osp.basename(file_name).encode())


def split_geometry(
    ann_file: Union[str, os.PathLike],
    out: Union[str, os.PathLike],
    vocabulary: Union[str, HOIVocabulary] = 'hico_det',
    progress: bool = False,
    fold: Optional[Tuple[int, int]] = None,
    single: bool = False,
) -> Dict[str, SplitReport]:
    """Write ``annotations/{train,val,test}.json`` from one annotation file.

    Images with 1 to 200 candidate pairs and an annotated pair are kept.
    Candidate pairs are counted as a model forms them (near-duplicate boxes
    merged, see :class:`LoadDetections`). Verbs without an object and invisible
    interactions are left out.

    Args:
        ann_file (str | PathLike): File in the project's format.
        out (str | PathLike): Output folder.
        vocabulary (str | HOIVocabulary): Vocabulary of the file.
        progress (bool): Whether to show a progress bar.
        fold (tuple[int, int], optional): For cross-validation, see
            :func:`split_of`. Defaults to None.
        single (bool): Whether to write all images to
            ``annotations/all.json`` instead, for a study that divides them
            into folds by itself. Defaults to False.

    Returns:
        dict[str, SplitReport]: Split to the summary of its file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is invalid, or a split would be empty.
    """
    if fold is not None and not 0 <= fold[0] < fold[1] > 1:
        raise ValueError(
            f'fold {fold[0]}/{fold[1]}: give K/N with N of 2 or '
            'more folds and K from 0 to N - 1'
        )
    names = ['all'] if single else list(ENDS)
    file = GeometryFile(ann_file, vocabulary, progress)
    kept = [i for i in file.annotated if 1 <= file.pairs[i] <= MAX_PAIRS]
    splits = {
        i: 'all' if single else split_of(file.name(i), fold) for i in kept
    }
    has_hois = Counter(splits.values())
    empty = [split for split in names if not has_hois[split]]
    if empty:
        raise ValueError(
            f'{ann_file}: of {len(file.pairs)} images {len(kept)} have an '
            f'annotated pair and at most {MAX_PAIRS} candidate pairs, and '
            f'none of these falls into {" and ".join(empty)}; give a file '
            'with more images.'
        )
    reports = {}
    for split in names:
        info = dict(split=f'{split}, by name')
        if fold is not None:
            info['fold'] = '%d/%d' % fold
        reports[split] = file.write(
            Path(out, 'annotations', f'{split}.json'),
            [i for i, name in splits.items() if name == split],
            info,
        )
    return reports


def hold_out(
    train_file: Union[str, os.PathLike],
    test_file: Union[str, os.PathLike],
    out: Union[str, os.PathLike],
    vocabulary: Union[str, HOIVocabulary] = 'hico_det',
    progress: bool = False,
) -> Dict[str, SplitReport]:
    """Write ``annotations/{train,val,test}.json`` from official splits.

    A tenth of the training images, those whose name's CRC-32 modulo 100 is
    below 10, is for validation; the others train where they have an annotated
    pair and 1 to 200 candidate pairs. Validation and test keep every image,
    however many candidate pairs it has. Verbs without an object and invisible
    interactions are left out.

    Args:
        train_file (str | PathLike): Training split in the project's format.
        test_file (str | PathLike): Test split in the project's format.
        out (str | PathLike): Output folder.
        vocabulary (str | HOIVocabulary): Vocabulary of the files.
        progress (bool): Whether to show progress bars.

    Returns:
        dict[str, SplitReport]: Split to the summary of its file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is invalid, or a split would be empty.
    """
    file = GeometryFile(train_file, vocabulary, progress)
    test = GeometryFile(test_file, vocabulary, progress)
    everything = range(len(file.pairs))
    held = {i for i in everything if _name_hash(file.name(i)) % 100 < HELD_OUT}
    trained = [
        i
        for i in file.annotated
        if i not in held and 1 <= file.pairs[i] <= MAX_PAIRS
    ]
    splits = dict(
        train=(file, trained),
        val=(file, sorted(held)),
        test=(test, list(range(len(test.pairs)))),
    )
    for split, (source, images) in splits.items():
        if not images:
            raise ValueError(
                f'{source.path}: no image for {split}; give a file with more '
                'images.'
            )
    return {
        split: source.write(
            Path(out, 'annotations', f'{split}.json'),
            images,
            dict(split=f'{split}, of the official split'),
        )
        for split, (source, images) in splits.items()
    }
