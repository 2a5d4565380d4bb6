from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from clhoi_mm.evaluation.core import (
    VCOCOActions,
    VCOCORecord,
    VCOCOResult,
    evaluate_v_coco,
    read_v_coco_sample,
    stack_v_coco_records,
    v_coco_intervals,
)
from clhoi_mm.registry import METRICS
from clhoi_mm.vocabulary import HOIVocabulary

from .unique_images import check_images


@METRICS.register_module()
class VCOCOMetric(BaseMetric):
    """AP of actions and roles as in V-COCO's official script.

    Uses ``img_id``, ``gt_persons``, ``gt_hois``, ``pred_hois`` and
    ``ori_shape`` of each sample's dict; boxes in original-image coordinates.
    Predictions contain pairs and, where a role is predicted to be missing,
    rows whose ``object_bboxes`` are NaN; ``agent_scores`` are optional. See
    :mod:`clhoi_mm.evaluation.core.v_coco` for the protocol.

    All metrics are percentages: ``AP_role_s1`` and ``AP_role_s2`` over the
    24 roles that papers report ("point" is left out), ``AP_role_s1_25`` and
    ``AP_role_s2_25`` over all, ``AP_agent`` over the actions.

    Args:
        vocabulary (str | dict | HOIVocabulary, optional): Name, path,
            content, or object; for data sets whose metainfo has none.
            Defaults to None: the data set's.
        classwise (bool): Whether to log each action's AP and to return it as
            ``AP_role_s1/<verb>``. Defaults to False.
        resamples (int): Number of bootstrap draws over images for 95 %
            confidence intervals, ``AP_role_s1_low``, ``AP_role_s1_high`` and
            those of ``AP_role_s2``. Defaults to 0, without intervals.
        collect_device (str): 'cpu' or 'gpu', where the results of several
            processes are collected. Defaults to 'cpu'.
        prefix (str): Prefix of the metrics' names, as in
            ``v_coco/AP_role_s1``. Defaults to 'v_coco'.
        collect_dir (str, optional): Folder through which several processes
            exchange results on the CPU. Defaults to None.
    """

    default_prefix = 'v_coco'
    # Names accepted by ``--eval`` and the metrics each one selects.
    eval_names = {
        'AP_role': ('AP_role_s1', 'AP_role_s2'),
        'AP_role_25': ('AP_role_s1_25', 'AP_role_s2_25'),
        'AP_agent': ('AP_agent',),
    }

    def __init__(
        self,
        vocabulary: Optional[Union[str, dict, HOIVocabulary]] = None,
        classwise: bool = False,
        resamples: int = 0,
        collect_device: str = 'cpu',
        prefix: str = 'v_coco',
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir,
        )
        self.classwise = classwise
        self.resamples = resamples
        self._own_verbs = None
        if vocabulary is not None:
            self._own_verbs = HOIVocabulary.load(vocabulary).verbs

    @property
    def actions(self) -> VCOCOActions:
        """Return the actions of data set or metric.

        Raises:
            ValueError: If neither has actions, or they contradict each other.
        """
        verbs = (self.dataset_meta or {}).get('verbs')
        metric_verbs = self._own_verbs
        if verbs is None and metric_verbs is None:
            raise ValueError(
                "the data set's metainfo lacks verbs, so its actions are not "
                "known. Use a VCOCODataset, or set vocabulary='v_coco' (a "
                'name or a JSON file) in the evaluator.'
            )
        if None not in (verbs, metric_verbs) and tuple(verbs) != metric_verbs:
            raise ValueError(
                "VCOCOMetric's vocabulary differs from the data set's: labels "
                'would mean different verbs. Leave vocabulary out of the '
                "evaluator to use the data set's."
            )
        return VCOCOActions.from_verbs(
            metric_verbs if verbs is None else verbs
        )

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store annotations and predictions of a batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): ``HOIDataSample.to_dict()`` of
                each image.
        """
        num_verbs = len(self.actions.verbs)
        self.results.extend(
            read_v_coco_sample(sample, num_verbs) for sample in data_samples
        )

    def compute_metrics(self, results: List[VCOCORecord]) -> Dict[str, float]:
        """Evaluate all images.

        Args:
            results (list[VCOCORecord]): One per image.

        Returns:
            dict[str, float]: The metrics, in percent.

        Raises:
            ValueError: If there are no images, or an id occurs twice.
        """
        check_images([record.img_id for record in results], 'VCOCOMetric')
        truth, pred = stack_v_coco_records(results)
        result = evaluate_v_coco(truth, pred, self.actions)
        metrics = result.summary()
        if self.resamples:
            metrics.update(
                v_coco_intervals(truth, pred, self.actions, self.resamples)
            )
        self._log(result, metrics, len(results))
        if self.classwise:
            metrics.update(result.classwise())
        return metrics

    def _log(
        self, result: VCOCOResult, metrics: Dict[str, float], num_images: int
    ) -> None:
        logger = MMLogger.get_current_instance()
        actions = result.actions
        logger.info(
            f'V-COCO: {num_images} images, {result.num_pred} '
            f'predictions, {result.num_gt.sum()} actions of persons.'
        )
        absent = [
            name
            for name, number in zip(actions.actions, result.num_gt)
            if number == 0
        ]
        if absent:
            logger.warning(
                f'V-COCO: no person is annotated with '
                f'{", ".join(absent)}, left out of means.'
            )
        rows = [['AP in percent', 'value']]
        rows += [[name, f'{value:.2f}'] for name, value in metrics.items()]
        logger.info('V-COCO\n' + AsciiTable(rows).table)
        if self.classwise:
            head = ['verb', 'persons', 'role s1', 'role s2', 'agent']
            columns = [actions.verbs, result.num_gt[actions.action_inds]]
            for ap in (
                result.ap_role_s1,
                result.ap_role_s2,
                result.ap_agent[actions.action_inds],
            ):
                columns.append(
                    [
                        '-' if np.isnan(value) else f'{value * 100:.2f}'
                        for value in ap
                    ]
                )
            logger.info(
                'AP of each verb\n'
                + AsciiTable([head, *map(list, zip(*columns))]).table
            )
