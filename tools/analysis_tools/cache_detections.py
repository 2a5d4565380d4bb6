"""Cache a frozen detector's outputs for a config's data sets.

The file contains the detections of every image, for
LoadDetections(source=FILE); with --features also the feature maps of the VLT
and the RoI features of all pairs, for LoadDetectorFeatures(file=FILE), for the
training pipeline's images and their mirror images, so that training neither
runs the detector nor reads images. Size and time are predicted after the first
views.
"""

import argparse
import shutil
import time
from pathlib import Path
from typing import Dict, Iterator, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from tqdm import tqdm

from clhoi_mm.config_file import (
    add_cfg_options,
    inner_configs,
    read_config,
)
from clhoi_mm.threads import warn_of_busy_cores
from clhoi_mm.utils.image_reader import UnreadableImage

# Transforms that change the view of an image, and those that do not.
VIEW = ('LoadImage', 'LoadImageFromFile', 'Resize', 'Pad')
BESIDE = (
    'LoadHOIAnnotations',
    'LoadTeacherKnowledge',
    'LoadDetections',
    'RandomFlip',
    'PackHOIInputs',
)
PREDICT_AFTER = 8  # views


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='path of the config')
    parser.add_argument('--out', required=True, help='file to write')
    parser.add_argument(
        '--splits',
        nargs='+',
        choices=['train', 'val', 'test'],
        default=['train', 'val', 'test'],
        help='data sets of the config to process (default: all)',
    )
    parser.add_argument(
        '--features',
        action='store_true',
        help='write maps and RoI features as well',
    )
    parser.add_argument(
        '--all-maps',
        action='store_true',
        help='keep maps used for RoI pooling only, so that RoI features of '
        'other boxes (PredCls, another pairing) can be pooled later',
    )
    parser.add_argument(
        '--mirrored',
        action='store_true',
        help='mirrored views of all data sets, even without RandomFlip, for '
        'cross-validation, which trains on images of the test split',
    )
    parser.add_argument(
        '--device', default='cpu', help='device of the detector'
    )
    add_cfg_options(parser)
    return parser.parse_args()


def view_pipeline(pipeline: list, features: bool) -> Tuple[list, bool]:
    """Select the deterministic transforms of the image from a pipeline.

    Args:
        pipeline (list): Pipeline of a config.
        features (bool): Whether features of its exact views are needed.

    Returns:
        Tuple[list, bool]: The transforms, with the flip at its position if
        features are needed, and whether images are also mirrored.
    """
    names = [step['type'].split('.')[-1] for step in pipeline]
    unsupported = [name for name in names if name not in VIEW + BESIDE]
    flips = [s for s, name in zip(pipeline, names) if name == 'RandomFlip']
    unsupported += [
        f'RandomFlip(direction={s["direction"]!r})'
        for s in flips
        if s.get('direction', 'horizontal') != 'horizontal'
    ]
    if unsupported:
        raise SystemExit(
            f'{", ".join(unsupported)} in a pipeline: '
            + (
                'features are cached for recurring views, of one size and '
                'optionally mirrored. Leave it out of this pipeline, or '
                'write detections without --features.'
                if features
                else 'leave it out of the test pipeline, on which detections '
                'are made.'
            )
        )
    padded = names.index('Pad') if 'Pad' in names else len(names)
    if features and 'RandomFlip' in names[padded:]:
        raise SystemExit(
            'RandomFlip after Pad in a pipeline would move the image within '
            'its frame; put it before Resize and Pad, as in '
            'configs/_base_/datasets/hico_det_640.py.'
        )
    kept = VIEW + ('RandomFlip',) * features
    return [s for s, name in zip(pipeline, names) if name in kept], bool(flips)


def views(cfg: Config, args: argparse.Namespace) -> Iterator[tuple]:
    """Iterate over each data set and kind of view.

    Yields:
        tuple: A data set, and whether its images are mirrored.
    """
    from clhoi_mm.registry import DATASETS

    used = []
    datasets = [
        dataset
        for split in args.splits
        if cfg.get(f'{split}_dataloader') is not None
        for dataset in inner_configs(cfg[f'{split}_dataloader'].dataset)
    ]
    test = next(inner_configs(cfg.test_dataloader.dataset))
    for dataset in datasets:
        # Boxes are mapped back to the original image, so that all splits can
        # use the test pipeline unless features are needed.
        pipeline = dataset.pipeline if args.features else test.pipeline
        steps, flips = view_pipeline(pipeline, args.features)
        if args.mirrored and not flips:
            # After the loading step, since images are mirrored unpadded.
            steps.insert(1, dict(type='RandomFlip'))
            flips = True
        for flipped in (False, True)[: 1 + (flips and args.features)]:
            shown = [
                dict(step, prob=1.0) if is_flip(step) else step
                for step in steps
                if flipped or not is_flip(step)
            ]
            plain = dict(
                dataset,
                test_mode=True,
                filter_cfg=None,
                pipeline=[*shown, dict(type='PackHOIInputs')],
            )
            if plain not in used:
                used.append(plain)
                yield DATASETS.build(plain), flipped


def is_flip(step: dict) -> bool:
    return step['type'].split('.')[-1] == 'RandomFlip'


def levels_read(model: torch.nn.Module, count: int) -> set:
    """Find levels whose maps are needed despite cached RoI features."""
    icn = model.icn
    if (
        icn is not None
        and getattr(icn, 'roi_extractor', None) is None
        and getattr(icn, 'query_embed_channels', None) is None
    ):
        return set(range(count))
    levels = () if model.vlt is None else model.vlt.levels
    return {range(count)[level] for level in levels}


def roi_features(
    model: torch.nn.Module, inputs: torch.Tensor, feats: tuple, sample
) -> dict:
    """Pool RoI features of an image's instances and pair unions."""
    extractor = getattr(model.icn, 'roi_extractor', None)
    if extractor is None:
        return dict(
            rois=np.zeros((0, 4), np.float32),
            roi_feats=np.zeros((0, 0), np.float32),
        )
    pairs = model.generate_pairs(inputs, feats, [sample])
    boxes = torch.cat([pairs.boxes, pairs.union_bboxes]).unique(dim=0)
    pooled = extractor(
        [f.float() for f in feats[: extractor.num_inputs]],
        torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1),
    )
    return dict(rois=boxes.cpu().numpy(), roi_feats=pooled.cpu().numpy())


@torch.no_grad()
def run_detector(
    model: torch.nn.Module, record: dict, features: bool, all_maps: bool
) -> dict:
    """Run the detector on a single image.

    Args:
        model (nn.Module): The CLHOI.
        record (dict): Sample of the data set.
        features (bool): Whether to return maps and RoI features.
        all_maps (bool): Whether to return unused maps, too.

    Returns:
        dict: Arguments of ``DetectionFileWriter.add``.
    """
    data = model.data_preprocessor(pseudo_collate([record]), False)
    inputs, sample = data['inputs'], data['data_samples'][0]
    feats = model.detector.extract_feat(inputs)
    detections = model.detector.detect(inputs, feats, [sample])[0]
    detected = detections[detections.labels >= 0]
    view = dict(
        key=sample.key,
        shapes=(sample.ori_shape, sample.img_shape, inputs.shape[-2:]),
        scale_factor=sample.get('scale_factor', (1.0, 1.0)),
        detections={k: v.cpu().numpy() for k, v in detected.items()},
    )
    if features:
        # Form pairs from these detections without another forward pass.
        sample.detections = detections
        kept = levels_read(model, len(feats))
        view.update(
            maps=[
                level[0].cpu().numpy()
                if all_maps or i in kept
                else np.zeros((level.shape[1], 0, 0), np.float16)
                for i, level in enumerate(feats)
            ],
            **roi_features(model, inputs, feats, sample),
        )
    return view


def predict_size(path: str, size: int, seconds: float, done: int, total: int):
    """Print a file's predicted size and writing time.

    Raises:
        ValueError: If the disk lacks space for it.
    """
    whole = size * total / done
    free = shutil.disk_usage(Path(path).absolute().parent).free + size
    tqdm.write(
        f'{path}: about {whole / 1e6:,.0f} MB and '
        f'{seconds * total / done / 60:.1f} minutes for {total} views'
    )
    # The file is assembled beside its parts.
    if 2 * whole > free:
        raise ValueError(
            f'{path} needs about {2 * whole / 1e6:,.0f} MB while it is '
            f'written, and {free / 1e6:,.0f} MB are free; write it elsewhere'
        )


def write(args: argparse.Namespace) -> Dict[str, str]:
    """Process all views and write the file.

    Returns:
        Dict[str, str]: Key to the reason that an image could not be read.
    """
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'clhoi_mm'))
    from clhoi_mm.apis.device import check_device
    from clhoi_mm.datasets import DetectionFileWriter
    from clhoi_mm.registry import MODELS

    if args.features and cfg.model.get('visual_encoder'):
        raise SystemExit(
            f'{args.config} has a visual_encoder, which needs '
            'the images: features would not help'
        )
    check_device(args.device)
    warn_of_busy_cores()
    datasets = list(views(cfg, args))
    model = MODELS.build(cfg.model).to(args.device).eval()
    model.detector.check_loaded()
    features = None
    if args.features:
        features = dict(roi_extractor=getattr(model.icn, 'roi_hash', None))
    total, missing = sum(len(dataset) for dataset, _ in datasets), 0
    # Concatenated data sets may share images.
    visited = set()
    with (
        DetectionFileWriter(
            args.out,
            model.detector.identity,
            model.detector.vocabulary.objects,
            features,
        ) as writer,
        tqdm(total=total, unit='view') as progress,
    ):
        start, done = time.perf_counter(), 0
        for dataset, flipped in datasets:
            for i in range(len(dataset)):
                info = dataset.get_data_info(i)
                view = info['key'], info['img_path'], flipped
                if view in visited:
                    total -= 1
                    continue
                visited.add(view)
                record = dataset[i]
                sample = record['data_samples']
                if 'unreadable' in sample:
                    writer.skip(sample.key, sample.unreadable)
                    missing += 1
                else:
                    outputs = run_detector(
                        model, record, args.features, args.all_maps
                    )
                    writer.add(flipped=flipped, **outputs)
                    done += 1
                    if done == PREDICT_AFTER:
                        elapsed = time.perf_counter() - start
                        predict_size(
                            args.out, writer.size, elapsed, done, total
                        )
                progress.update()
        if missing == total:
            raise UnreadableImage(
                f'{args.out}: none of the images can be read; the first: '
                f'{next(iter(writer.unreadable.values()))}'
            )
        elapsed = time.perf_counter() - start
    size = Path(args.out).stat().st_size
    print(
        f'{args.out}: {done} views, detections by '
        f'{model.detector.identity["type"]}'
        + (', with features' if args.features else '')
        + f'; {size / 1e6:,.1f} MB and {elapsed / done:.2f} s a view'
    )
    return writer.unreadable


def main() -> None:
    args = parse_args()
    try:
        unreadable = write(args)
    except (OSError, ValueError) as error:
        raise SystemExit(f'cache_detections.py: {error}') from None
    if unreadable:
        print('\n'.join(f'  {reason}' for reason in unreadable.values()))
        raise SystemExit(
            f'cache_detections.py: {len(unreadable)} images could not be '
            f'read; {args.out} holds all others'
        )


if __name__ == '__main__':
    main()
