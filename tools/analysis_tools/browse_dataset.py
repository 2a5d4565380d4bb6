"""Draw a data set's annotated pairs and the teacher's pseudo-labels.

Pictures show original images with the pairs that training (or a test) uses,
zero-shot options included, with the teacher's interactions below and, if its
raw answers are beside the cache, its caption.
"""

import argparse
import os.path as osp
from typing import Dict, List, Optional, Sequence

import numpy as np
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from tqdm import tqdm

from clhoi_mm.config_file import (
    add_cfg_options,
    inner_configs,
    read_config,
)
from clhoi_mm.datasets import HOIDataset
from clhoi_mm.datasets.image_errors import MissingImage
from clhoi_mm.datasets.transforms import LoadTeacherKnowledge
from clhoi_mm.registry import DATASETS
from clhoi_mm.teacher.store.lookup import read_captions
from clhoi_mm.utils.image_reader import UnreadableImage, read_image
from clhoi_mm.visualization import HOILocalVisualizer

KEPT = (
    'LoadImage',
    'LoadImageFromFile',
    'LoadHOIAnnotations',
    'LoadTeacherKnowledge',
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='path of the config')
    parser.add_argument('--out', required=True, help='folder for the pictures')
    parser.add_argument(
        '--split',
        default='train',
        choices=['train', 'val', 'test'],
        help="which of the config's dataloaders (default: %(default)s)",
    )
    parser.add_argument(
        '--num',
        type=int,
        default=20,
        help='number of pictures, evenly spread over the data set; 0 draws '
        'all (default: %(default)s)',
    )
    parser.add_argument(
        '--keys', nargs='+', help='draw the images with these keys only'
    )
    parser.add_argument(
        '--teacher',
        metavar='FOLDER|none',
        help="teacher cache (default: the one of the config's "
        'pipeline, if any)',
    )
    add_cfg_options(parser)
    return parser.parse_args()


def plain_pipeline(
    steps: Sequence[ConfigDict],
    vocabulary: Optional[str],
    teacher: Optional[str],
) -> List[dict]:
    """Select the loading steps, without image transforms.

    Raises:
        ValueError: If the pipeline reads no image.
    """
    if any(step['type'] == 'LoadImageSize' for step in steps):
        raise ValueError(
            'this config reads no images (LoadImageSize): there are none '
            'to draw on'
        )
    kept = [dict(step) for step in steps if step['type'] in KEPT]
    if teacher is not None:
        kept = [s for s in kept if s['type'] != 'LoadTeacherKnowledge']
        if teacher != 'none':
            kept.append(
                dict(
                    type='LoadTeacherKnowledge',
                    cache=teacher,
                    vocabulary=vocabulary,
                )
            )
    for step in kept:
        if step['type'] == 'LoadTeacherKnowledge':
            step['missing'] = 'mask'
    return kept + [dict(type='PackHOIInputs')]


def build_plain(cfg: ConfigDict, teacher: Optional[str]) -> HOIDataset:
    """Build a data set whose pipeline only loads and packs."""
    vocabulary = cfg.get('vocabulary') or DATASETS.get(cfg.type).VOCABULARY
    pipeline = plain_pipeline(cfg.pipeline, vocabulary, teacher)
    # Bad images are not replaced by others.
    return DATASETS.build(dict(cfg, pipeline=pipeline, bad_images='error'))


def captions_of(
    dataset: HOIDataset, keys: Sequence[str]
) -> Dict[str, Optional[str]]:
    """Read captions by key from raw answers."""
    for step in dataset.pipeline.transforms:
        if isinstance(step, LoadTeacherKnowledge):
            return read_captions(str(step.cache.path), keys)
    return {}


def choose(
    keys: List[str], selected: Optional[List[str]], num: int
) -> List[int]:
    """Select the indices of the images to draw."""
    if selected:
        unknown = sorted(set(selected) - set(keys))
        if unknown:
            raise ValueError(
                f'no image has the key {unknown[0]!r}; the '
                f'first one is {keys[0]!r}'
            )
        return [keys.index(key) for key in selected]
    if not 0 < num < len(keys):
        return list(range(len(keys)))
    return np.linspace(0, len(keys) - 1, num).round().astype(int).tolist()


def main() -> None:
    args = parse_args()
    try:
        cfg = read_config(args.config, args.cfg_options)
        init_default_scope(cfg.get('default_scope', 'clhoi_mm'))
        datasets = [
            build_plain(dataset, args.teacher)
            for dataset in inner_configs(
                cfg[f'{args.split}_dataloader'].dataset
            )
        ]
        # Each image once, even if training repeats it.
        images = [(d, i) for d in datasets for i in range(len(d))]
        keys = [dataset.get_data_info(i)['key'] for dataset, i in images]
        chosen = choose(keys, args.keys, args.num)
        captions: Dict[str, Optional[str]] = {}
        for dataset in datasets:
            dataset_keys = [keys[i] for i in chosen if images[i][0] is dataset]
            captions.update(captions_of(dataset, dataset_keys))
        visualizer = HOILocalVisualizer()
        visualizer.dataset_meta = datasets[0].metainfo
        pairs, unreadable = 0, []
        for i in tqdm(chosen, 'pictures'):
            dataset, row = images[i]
            try:
                sample = dataset[row]['data_samples']
            except (MissingImage, UnreadableImage) as error:
                unreadable.append(str(error))
                continue
            pairs += len(sample.gt_hois)
            visualizer.add_datasample(
                keys[i],
                np.asarray(
                    read_image(
                        sample.img_path, sample.get('orientation', 'stored')
                    )
                ),
                sample,
                draw_pred=False,
                out_file=osp.join(args.out, keys[i]),
                caption=captions.get(keys[i]),
            )
    except (KeyError, OSError, ValueError) as error:
        raise SystemExit(f'browse_dataset.py: {error}') from None
    print(
        f'{args.out}: {len(chosen) - len(unreadable)} of {len(keys)} images '
        f'with {pairs} annotated pairs'
    )
    if unreadable:
        print('\n'.join(f'  {reason}' for reason in unreadable))
        raise SystemExit(
            f'browse_dataset.py: {len(unreadable)} images could not be read'
        )


if __name__ == '__main__':
    main()
