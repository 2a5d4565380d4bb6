import json
from typing import Any, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.fileio import get
from mmengine.logging import MMLogger

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import Predictions
from clhoi_mm.evaluation.core.arrays import to_numpy
from clhoi_mm.registry import METRICS
from clhoi_mm.utils.files import atomic_path
from clhoi_mm.vocabulary import normalize_name

COLUMNS = (
    'human_bboxes',
    'object_bboxes',
    'object_labels',
    'verb_labels',
    'hoi_labels',
    'scores',
)


@METRICS.register_module()
class DumpHOIResults(BaseMetric):
    """Writes the predictions of all images to one file.

    JSON: one object per image with ``img_id``, ``key`` and, for each predicted
    interaction, the fields of ``pred_hois``, in the vocabulary's labels. NaN,
    which JSON lacks, becomes null.

    NPZ: :class:`clhoi_mm.evaluation.core.Predictions`, flat arrays that
    ``tools/analysis_tools/eval_predictions.py`` evaluates; labels are indices
    into the annotation file's lists, and rows whose object or verb is not in
    the file are left out.

    Boxes are (x1, y1, x2, y2) in original-image coordinates.

    Args:
        out_file (str): Output path ending in .json or .npz; written
            atomically.
        ann_file (str, optional): The data set's annotation file, which .npz
            needs. Defaults to None.
        collect_device (str): 'cpu' or 'gpu', where the results of several
            processes are collected. Defaults to 'cpu'.
    """

    def __init__(
        self,
        out_file: str,
        ann_file: Optional[str] = None,
        collect_device: str = 'cpu',
    ) -> None:
        super().__init__(collect_device=collect_device)
        if not out_file.endswith(('.json', '.npz')):
            raise ValueError(
                f'{out_file}: results are written as JSON or '
                'NPZ; give a name that ends in .json or .npz'
            )
        self.out_file = out_file
        self.annotations = None
        if out_file.endswith('.npz'):
            if ann_file is None:
                raise ValueError(
                    f'{out_file}: its labels are positions in '
                    'the annotation file; give ann_file'
                )
            self.annotations = AnnotationFile.parse(get(ann_file), ann_file)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store a batch's predictions.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Samples with ``pred_hois``.
        """
        for sample in data_samples:
            self.results.append(
                {
                    'img_id': sample['img_id'],
                    'key': sample.get('key'),
                    'hois': {
                        name: to_numpy(values)
                        for name, values in sorted(sample['pred_hois'].items())
                    },
                }
            )

    def compute_metrics(self, results: List[dict]) -> dict:
        """Write the file; no metrics are computed.

        Args:
            results (List[dict]): Predictions stored by :meth:`process`, of all
                processes.

        Returns:
            dict: Empty.
        """
        if self.annotations is not None:
            self._predictions(results).write(self.out_file)
            return {}
        with atomic_path(self.out_file) as path, open(path, 'w') as file:
            json.dump(
                [
                    dict(
                        result,
                        hois={
                            name: json_values(values)
                            for name, values in result['hois'].items()
                        },
                    )
                    for result in results
                ],
                file,
            )
        return {}

    def _predictions(self, results: List[dict]) -> Predictions:
        """Convert the results to the annotation file's labels."""
        annotations = self.annotations
        rows = [result['hois'] for result in results]
        columns = {
            name: np.concatenate([row[name] for row in rows])
            for name in COLUMNS
        }
        agent_scores = None
        if all('agent_scores' in row for row in rows):
            agent_scores = np.concatenate(
                [row['agent_scores'] for row in rows]
            )
        objects = self._positions('classes', annotations.objects)
        verbs = self._positions('verbs', annotations.verbs)
        # -1, no object, indexes the last entry.
        object_labels = objects[columns['object_labels']]
        verb_labels = verbs[columns['verb_labels']]
        keep = (verb_labels >= 0) & (
            (object_labels >= 0) | (columns['object_labels'] < 0)
        )
        if not keep.all():
            MMLogger.get_current_instance().warning(
                f'{(~keep).sum()} predictions name an object or a verb that '
                'the annotation file does not list; they are not in '
                f'{self.out_file}.'
            )
        images = np.repeat(
            np.arange(len(rows)), [len(row['scores']) for row in rows]
        )[keep]
        object_labels, verb_labels = object_labels[keep], verb_labels[keep]
        hoi_labels = np.where(
            object_labels >= 0,
            annotations.hoi_lookup[verb_labels, object_labels],
            -1,
        )
        keys = [result['key'] for result in results]
        return Predictions(
            np.array([result['img_id'] for result in results]),
            np.searchsorted(images, np.arange(len(rows) + 1)),
            columns['human_bboxes'][keep],
            columns['object_bboxes'][keep],
            object_labels,
            verb_labels,
            hoi_labels,
            columns['scores'][keep],
            None if agent_scores is None else agent_scores[keep],
            None if None in keys else np.array(keys, dtype=np.str_),
        )

    def _positions(self, key: str, names: Sequence[str]) -> np.ndarray:
        """Index the data set's names in the file.

        Returns:
            np.ndarray: Positions, -1 for names that the file lacks, with a
            final -1.
        """
        dataset_names = (self.dataset_meta or {}).get(key)
        if dataset_names is None:
            raise ValueError(
                f"the data set's metainfo lacks {key}, so labels "
                'cannot be named; use a HOIDataset.'
            )
        positions = {normalize_name(name): i for i, name in enumerate(names)}
        file_positions = [
            positions.get(normalize_name(name), -1) for name in dataset_names
        ]
        return np.array([*file_positions, -1], dtype=np.int64)


def json_values(values: np.ndarray) -> list:
    if values.dtype.kind == 'f' and np.isnan(values).any():
        return np.where(np.isnan(values), None, values).tolist()
    return values.tolist()
