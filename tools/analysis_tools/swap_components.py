"""Compare students by exchanging their interactiveness and classification.

A pair's score is the product of its interactiveness and the class's
probability given that the pair interacts. Tests students on the same
detections and pairs with these parts exchanged: the first table combines the
interactiveness of one (row) with the classification of another (column). The
second splits the interactiveness itself, with the classification of the first
student: the image-level maximum of one (row), and the ratios between pairs of
another (column).

    swap_components.py CONFIG label_free.pth instance.pth --split val
"""

import argparse
import itertools
import os.path as osp
from typing import Dict, Iterator, List, Tuple

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from tqdm import tqdm

from clhoi_mm.config_file import add_cfg_options, check_checkpoint, read_config

# Trained modules of a student; the others are shared.
STUDENT = (
    'icn.',
    'vlt.',
    'context_loss.',
    'context_scorer.',
    'interaction_loss.',
    'label_noise.',
    'pointing.',
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='path of the config of all students')
    parser.add_argument(
        'checkpoints', nargs='+', help='checkpoints of two or more students'
    )
    parser.add_argument(
        '--names', nargs='+', help="name of each (default: their folders')"
    )
    parser.add_argument(
        '--split',
        choices=['val', 'test'],
        default='val',
        help='split to test on (default: val)',
    )
    parser.add_argument(
        '--metric', default='mAP', help='metric to print (default: mAP)'
    )
    parser.add_argument(
        '--device', default='cpu', help='device (default: cpu)'
    )
    add_cfg_options(parser)
    args = parser.parse_args()
    args.names = args.names or [
        osp.basename(osp.dirname(osp.abspath(path)))
        for path in args.checkpoints
    ]
    if len(args.checkpoints) < 2:
        parser.error('nothing to exchange: give two checkpoints or more')
    if len(args.names) != len(args.checkpoints):
        parser.error(
            f'--names: {len(args.names)} for '
            f'{len(args.checkpoints)} checkpoints'
        )
    if len(set(args.names)) < len(args.names):
        parser.error(
            f'{", ".join(args.names)}: names must differ; give --names'
        )
    return args


def load(cfg: Config, paths: List[str]) -> Tuple[torch.nn.Module, list]:
    """Load the model and the student of each checkpoint.

    Raises:
        ValueError: If a checkpoint does not fit the config, students lack an
            interactiveness head, or their detector or phrases differ.
    """
    from clhoi_mm.apis.model_source import load_into
    from clhoi_mm.models.checkpoint import load_weights
    from clhoi_mm.models.detectors.self_teacher import SelfTeacher
    from clhoi_mm.registry import MODELS

    model = MODELS.build(cfg.model)
    if not hasattr(model.icn, 'interactiveness'):
        raise ValueError(
            'the config has no ICN with an interactiveness head; '
            'there are no parts to exchange'
        )
    students, common = [], None
    for path in paths:
        load_into(model, load_weights(path), path)
        students.append(SelfTeacher(model.vlt, model.icn))
        shared = {
            name: value.clone()
            for name, value in model.state_dict().items()
            if not name.startswith(STUDENT)
        }
        common = common or shared
        differing = [
            name
            for name, value in shared.items()
            if not torch.equal(value, common[name])
        ]
        if differing:
            raise ValueError(
                f'{path} differs from {paths[0]} in {differing[0]}: '
                'students can only be compared on the same '
                'detections and phrases; give those of '
                'one detector and one text encoder'
            )
    model.detector.check_loaded()
    model.teacher_head.classifier.ensure_encoded()
    return model.eval(), students


def predict_all(
    model: torch.nn.Module, students: list, loader: torch.utils.data.DataLoader
) -> Iterator[tuple]:
    """Iterate over the predictions of every student for each batch.

    Yields:
        tuple: Samples, pairs, and the predictions of each student.
    """
    for data in tqdm(loader, unit='batch'):
        data = model.data_preprocessor(data, False)
        inputs, samples = data['inputs'], data['data_samples']
        batch = model.prepare(inputs, samples)
        predictions = [s.encode(batch).predictions for s in students]
        yield samples, batch.pairs, predictions


@torch.no_grad()
def measure(cfg: Config, args: argparse.Namespace) -> List[Dict[tuple, float]]:
    """Compute the two tables, by rows and columns."""
    from clhoi_mm.models.heads import choose_within, exchange

    model, students = load(cfg, args.checkpoints)
    model = model.to(args.device)
    for student in students:
        for part in (student.vlt, student.icn):
            if part is not None:
                part.to(args.device)
    phrases = model.teacher_head.classifier
    maker = model.post_processor
    loader = Runner.build_dataloader(cfg[f'{args.split}_dataloader'])
    cells = list(itertools.product(range(len(students)), repeat=2))
    tables = [
        {cell: Evaluator(cfg[f'{args.split}_evaluator']) for cell in cells}
        for _ in range(2)
    ]
    for table in tables:
        for evaluator in table.values():
            evaluator.dataset_meta = loader.dataset.metainfo
    for samples, pairs, seen in predict_all(model, students, loader):
        for (row, column), *evaluators in zip(
            cells, *(table.values() for table in tables)
        ):
            found = (
                exchange(seen[row].interactiveness, seen[column], phrases),
                exchange(
                    choose_within(seen[row], seen[column], pairs),
                    seen[0],
                    phrases,
                ),
            )
            for interactions, evaluator in zip(found, evaluators):
                own = [sample.clone() for sample in samples]
                maker.write(own, interactions, pairs, rescale=True)
                evaluator.process(data_samples=own, data_batch=None)
    return [
        {
            cell: find_metric(
                evaluator.evaluate(len(loader.dataset)), args.metric
            )
            for cell, evaluator in table.items()
        }
        for table in tables
    ]


def find_metric(metrics: dict, name: str) -> float:
    """Look up a metric by its name, without the prefix.

    Raises:
        ValueError: If the metric is unknown.
    """
    found = {key.split('/')[-1]: value for key, value in metrics.items()}
    if name not in found:
        raise ValueError(
            f'--metric {name}: unknown; the metric gives {", ".join(found)}'
        )
    return found[name]


def show(title: str, names: List[str], table: Dict[tuple, float]) -> None:
    """Print a table as Markdown."""
    print(f'\n| {title} | {" | ".join(names)} |')
    print('|---' * (len(names) + 1) + '|')
    for row, name in enumerate(names):
        cells = (f'{table[row, column]:.1f}' for column in range(len(names)))
        print(f'| {name} | {" | ".join(cells)} |')


def main() -> None:
    args = parse_args()
    for path in args.checkpoints:
        check_checkpoint(path)
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'clhoi_mm'))
    from clhoi_mm.apis.device import check_device

    check_device(args.device)
    # Suppress the metric's table for each cell.
    MMLogger.get_current_instance().setLevel('WARNING')
    parts, interactiveness = measure(cfg, args)
    title = f'{args.metric}, {args.split} split: '
    show(
        f'{title}interactiveness of (row), classes of (column)',
        args.names,
        parts,
    )
    show(
        f'{title}interactiveness, its maximum in the image of (row), its '
        f'ratios between pairs of (column); classes of {args.names[0]}',
        args.names,
        interactiveness,
    )


if __name__ == '__main__':
    try:
        main()
    except (OSError, ValueError) as error:
        raise SystemExit(f'swap_components.py: {error}') from None
