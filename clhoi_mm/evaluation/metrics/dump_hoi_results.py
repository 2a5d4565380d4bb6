import json
import os
from typing import Any, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from clhoi_mm.registry import METRICS


@METRICS.register_module()
class DumpHOIResults(BaseMetric):
    """Writes the predictions of all images to one JSON file.

    An object an image: ``img_id``, ``key`` and, of each predicted
    interaction, what ``pred_hois`` holds, boxes as (x1, y1, x2, y2) in
    original-image coordinates.

    Args:
        out_file (str): Where to; written whole or not at all.
        collect_device (str): 'cpu' or 'gpu'; where the results of several
            processes meet. Defaults to 'cpu'.
    """

    def __init__(self, out_file: str, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        if not out_file.endswith('.json'):
            raise ValueError(f'{out_file}: results are written as JSON; give '
                             'a name that ends in .json')
        self.out_file = out_file

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep a batch's predictions.

        Args:
            data_batch (Any): Not read.
            data_samples (Sequence[dict]): Samples with ``pred_hois``.
        """
        for sample in data_samples:
            hois = sample['pred_hois']
            self.results.append({
                'img_id': sample['img_id'],
                'key': sample.get('key'),
                'hois': {
                    name: np.asarray(values).tolist()
                    for name, values in sorted(hois.items())
                }
            })

    def compute_metrics(self, results: List[dict]) -> dict:
        """Write the file; there is nothing to measure.

        Args:
            results (List[dict]): What :meth:`process` kept, of all processes.

        Returns:
            dict: Empty.
        """
        os.makedirs(os.path.dirname(os.path.abspath(self.out_file)),
                    exist_ok=True)
        partial = f'{self.out_file}.partial'
        with open(partial, 'w') as file:
            json.dump(results, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.out_file)
        return {}
