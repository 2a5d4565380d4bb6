"""Print the teacher's label confusions as estimated in training.

Reads a checkpoint of a model with a label noise model.
"""

import argparse
import json
import sys

from clhoi_mm.config_file import check_checkpoint, say_errors
from clhoi_mm.models.checkpoint import load_weights
from clhoi_mm.models.label_noise import LabelNoiseModel
from clhoi_mm.registry import MODELS
from clhoi_mm.utils.files import atomic_path

PREFIX = 'label_noise.'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint')
    parser.add_argument(
        '--vocabulary',
        help="name or file (default: the one in the checkpoint's config)",
    )
    parser.add_argument(
        '--top', type=int, default=10, help='lines of the table (default: 10)'
    )
    parser.add_argument('--json', help='file to write the whole matrix to')
    return parser.parse_args()


def load_noise(path: str, vocabulary: str) -> LabelNoiseModel:
    """Load the label noise model of a checkpoint.

    Args:
        path (str): The checkpoint.
        vocabulary (str): Name or file; '' for the checkpoint's own.

    Raises:
        SystemExit: If the checkpoint has none, or one of other classes.
    """
    check_checkpoint(path)
    checkpoint = load_weights(path)
    state = {
        name[len(PREFIX) :]: value
        for name, value in checkpoint['state_dict'].items()
        if name.startswith(PREFIX)
    }
    if not state:
        raise SystemExit(
            f'{path} holds no {PREFIX}*: train with '
            "label_noise=dict(type='EMLabelNoise', ...)"
        )
    try:
        model = json.loads(checkpoint['meta']['cfg'])['model']
    except (KeyError, ValueError):
        model = {}
    vocabulary = vocabulary or model.get('teacher_head', {}).get('vocabulary')
    if not vocabulary:
        raise SystemExit(
            f'{path} does not state its vocabulary: give --vocabulary'
        )
    is_learned = 'confusion_logits' in state
    kind = 'LearnableLabelNoise' if is_learned else 'EMLabelNoise'
    cfg = model.get('label_noise') or dict(type=kind, warmup=0)
    noise = MODELS.build(dict(cfg, vocabulary=vocabulary))
    expected = noise.state_dict()
    if any(expected[name].shape != state[name].shape for name in expected):
        raise SystemExit(
            f'{path} is not about the classes of {noise.vocabulary.name}: '
            'give the --vocabulary it was trained with'
        )
    noise.load_state_dict(state)
    return noise


def main() -> None:
    args = parse_args()
    noise = load_noise(args.checkpoint, args.vocabulary or '')
    if not noise.is_warmed_up:
        print(
            f'label_noise.py: warning: after {int(noise.iterations)} '
            f'iterations the warm-up of {noise.warmup} was not over: labels '
            'were not corrected, and what is shown is close to the prior; '
            'lower model.label_noise.warmup or train longer',
            file=sys.stderr,
        )
    names = noise.vocabulary.names
    matrix = noise.transition_matrix()
    others = matrix.clone().fill_diagonal_(0)
    top = others.flatten().topk(min(args.top, (others > 0).sum().item()))
    width = max(map(len, names))
    print(
        f'{"true class":{width}}  {"labeled as":{width}}  of 100 images'
        '  as itself'
    )
    for value, index in zip(top.values.tolist(), top.indices.tolist()):
        source, label = divmod(index, len(names))
        print(
            f'{names[source]:{width}}  {names[label]:{width}}  '
            f'{100 * value:13.0f}  {100 * matrix[source, source].item():9.0f}'
        )
    if args.json:
        with atomic_path(args.json) as path:
            path.write_text(
                json.dumps(
                    dict(names=list(names), transition_probs=matrix.tolist())
                )
            )
        print(f'The matrix: {args.json}')


if __name__ == '__main__':
    with say_errors('label_noise.py'):
        main()
