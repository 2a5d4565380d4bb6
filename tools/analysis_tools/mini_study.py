"""Measure what label-free training reaches on the mini world, and why.

Trains each variant with several seeds, tests it, and prints a table. Results
are kept, so that an interrupted study goes on where it stopped.
"""
import argparse
import hashlib
import json
import os
import os.path as osp
import time
from statistics import mean, stdev

import numpy as np
from mmengine.config import Config
from mmengine.registry import RUNNERS

from clhoi_mm.config_file import ConfigOptions, read_config

NO_CONTEXT_STAGE = {'custom_hooks.0.context_epochs': 0}
# name: what it is, config options; baselines are not trained.
VARIANTS = {
    'random': ('random scores for all pairs', {}),
    'prior': ("each object's most frequent interactions", {}),
    'copy': ("the image's labels copied to all pairs, typical teacher",
             {'model.teacher_head.copy_to_pairs': True}),
    'label-free': ('label-free, typical teacher', {}),
    'no-noise': ("label-free, the teacher's noise not modelled",
                 {'model.interaction_loss.noise': None}),
    'no-context': ('label-free without context distillation',
                   {'model.context_loss': None, **NO_CONTEXT_STAGE}),
    'no-interaction': ('label-free without interaction distillation',
                       {'model.interaction_loss': None,
                        **NO_CONTEXT_STAGE}),
    'image': ('image-level labels',
              {'model.teacher_head.supervision': 'image'}),
    'instance': ('instance-level labels',
                 {'model.teacher_head.supervision': 'instance'}),
}
UNTRAINED = ('random', 'prior')
FIGURES = ('mAP', 'mAP_rare', 'mAP_non_rare', 'mAP_ko')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', default='configs/clhoi_r18_mini.py')
    parser.add_argument('--work-dir', default='work_dirs/mini_study')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument(
        '--variants',
        nargs='+',
        choices=VARIANTS,
        default=list(VARIANTS),
        help='which to measure (default: all)')
    parser.add_argument(
        '--split',
        choices=['val', 'test'],
        default='test',
        help='what to measure on; choose settings on val (default: test)')
    parser.add_argument(
        '--features',
        metavar='FILE',
        help='what cache_detections.py --features wrote for the config, so '
        'that no run needs the detector or the images (default: live)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        default={},
        help='override config entries for all variants')
    return parser.parse_args()


def object_prior(cfg: Config) -> list[float]:
    """How often a person-object pair of the training split does what."""
    from clhoi_mm.vocabulary import HOIVocabulary
    dataset = cfg.train_dataloader.dataset
    path = osp.join(dataset.data_root, dataset.ann_file)
    with open(path) as file:
        content = json.load(file)
    vocabulary = HOIVocabulary.load(dataset.vocabulary)
    names = {c['id']: c['name'] for c in content['categories']}
    label = {a['id']: vocabulary.objects.index(names[a['category_id']])
             for a in content['annotations']}
    persons, objects = {}, {}
    for ann in content['annotations']:
        objects.setdefault(ann['image_id'], []).append(label[ann['id']])
    for image, labels in objects.items():
        persons[image] = labels.count(vocabulary.person_label)
    pairs = np.zeros(vocabulary.num_objects)
    for image, labels in objects.items():
        for obj in labels:
            others = persons[image] - (obj == vocabulary.person_label)
            pairs[obj] += others
    counts = np.zeros(vocabulary.num_hois)
    verbs = {name: i for i, name in enumerate(vocabulary.verbs)}
    for hoi in content['hois']:
        verb = verbs[content['verbs'][hoi['verb_id']]]
        counts[vocabulary.hoi_id(verb, label[hoi['object_ann_id']])] += 1
    return (counts / pairs[vocabulary.hoi_objects].clip(1)).tolist()


def configure(args: argparse.Namespace, variant: str, seed: int) -> Config:
    cfg = read_config(args.config)
    cfg.merge_from_dict({
        'randomness.seed': seed,
        'default_hooks.checkpoint.interval': -1,
        'default_hooks.checkpoint.save_last': False,
    })
    cfg.merge_from_dict(args.cfg_options)
    cfg.merge_from_dict(VARIANTS[variant][1])
    if variant in UNTRAINED:
        cfg.model.icn = dict(type='BaselineICN', seed=seed)
        cfg.model.vlt = cfg.model.context_loss = None
    if variant == 'prior':
        cfg.model.icn['class_scores'] = object_prior(cfg)
    if args.features:
        for split in ('train', 'val', 'test'):
            loader = cfg[f'{split}_dataloader']
            # Handing samples over costs more than there is left to load.
            loader.update(num_workers=0, persistent_workers=False)
            loader.dataset.pipeline = without_images(
                loader.dataset.pipeline, args.features, split == 'train')
    cfg.test_dataloader = cfg[f'{args.split}_dataloader']
    cfg.test_evaluator = cfg[f'{args.split}_evaluator']
    # One look at the end says all.
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    return cfg


def without_images(pipeline: list[dict], features: str,
                   remember: bool) -> list[dict]:
    """A pipeline that takes features from a file.

    Args:
        pipeline (list[dict]): A config's.
        features (str): The file.
        remember (bool): Whether the same images are to be seen again.
    """
    teacher, steps = [], []
    for step in pipeline:
        if step.type == 'LoadTeacherKnowledge':
            teacher.append(step)
        elif step.type not in ('LoadImageFromFile', 'Resize'):
            steps.append(step)
    if remember:
        steps = [dict(type='RememberViews', steps=steps)]
    return [dict(type='LoadDetectorFeatures', file=features), *teacher, *steps]


def measure(args: argparse.Namespace, variant: str, seed: int) -> dict:
    """Train and test one run, unless its result is there already."""
    cfg = configure(args, variant, seed)
    text = json.dumps(cfg.to_dict(), sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = osp.join(args.work_dir, 'results', f'{variant}-{seed}-{key}.json')
    if osp.exists(path):
        with open(path) as file:
            return json.load(file)
    cfg.work_dir = osp.join(args.work_dir, f'{variant}-{seed}')
    cfg.experiment_name = f'{variant}-{seed}-{key}'
    start, worked = time.perf_counter(), time.process_time()
    runner = RUNNERS.build(cfg)
    if variant not in UNTRAINED:
        trained = time.perf_counter()
        runner.train()
        print(f'{variant}, seed {seed}: trained in '
              f'{time.perf_counter() - trained:.0f} s')
    figures = {k.split('/')[-1]: float(v) for k, v in runner.test().items()}
    print(f'{variant}, seed {seed}: {time.perf_counter() - start:.0f} s in all, '
          f'{time.process_time() - worked:.0f} s of processor time')
    os.makedirs(osp.dirname(path), exist_ok=True)
    with open(f'{path}.partial', 'w') as file:
        json.dump(figures, file)
    os.replace(f'{path}.partial', path)
    return figures


def spread(values: list[float]) -> str:
    if len(values) == 1:
        return f'{values[0]:.1f}'
    return f'{mean(values):.1f} ± {stdev(values):.1f}'


def main() -> None:
    args = parse_args()
    rows = {}
    for variant in args.variants:
        # Nothing is drawn in the prior: one run says all.
        seeds = args.seeds[:1] if variant == 'prior' else args.seeds
        rows[variant] = [measure(args, variant, seed) for seed in seeds]
    full = mean(r['mAP'] for r in rows['instance']) \
        if 'instance' in rows else None
    print(f'\n| {args.split} split, seeds {args.seeds} | '
          f'{" | ".join(FIGURES)} | of instance |')
    print('|---' * (len(FIGURES) + 2) + '|')
    for variant, results in rows.items():
        cells = [spread([r[name] for r in results]) for name in FIGURES]
        share = f'{mean(r["mAP"] for r in results) / full:.2f}' if full else ''
        print(f'| {VARIANTS[variant][0]} | {" | ".join(cells)} | {share} |')


if __name__ == '__main__':
    try:
        main()
    except FileNotFoundError as error:
        raise SystemExit(f'mini_study.py: {error}')
