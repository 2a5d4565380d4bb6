"""Compare two models on V-COCO by a paired bootstrap.

Each model has one file of predictions per seed, written by `tools/test.py
--out preds.npz` or by a study with `predictions = True`; its metric is the
mean over seeds. Prints the difference and its 95 % bootstrap interval over
images. Needs neither torch nor mmdet.
"""

import argparse
import json

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import Predictions, v_coco_difference
from clhoi_mm.utils.files import atomic_path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add('--ann', required=True, help='annotation file (JSON)')
    add('--pred', nargs='+', required=True, help="a model's files (.npz)")
    add('--against', nargs='+', required=True, help="the other model's files")
    add('--resamples', type=int, default=1000, help='draws (default: 1000)')
    add('--json', help='file to write the differences to')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.resamples < 1:
        raise SystemExit('--resamples: at least 1')
    try:
        annotations = AnnotationFile.read(args.ann)
        models = [
            [Predictions.read(path) for path in paths]
            for paths in (args.pred, args.against)
        ]
        found = v_coco_difference(annotations, *models, args.resamples)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    for name in ('AP_role_s1', 'AP_role_s2'):
        low, high = found[f'{name}_low'], found[f'{name}_high']
        verdict = 'excludes 0' if low > 0 or high < 0 else 'contains 0'
        print(
            f'{name}  {found[name]:+6.2f}  from {low:+6.2f} to {high:+6.2f}  '
            f'{verdict}'
        )
    if args.json:
        with atomic_path(args.json) as path:
            path.write_text(json.dumps(found, indent=1) + '\n')


if __name__ == '__main__':
    main()
