from typing import Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.logging import MMLogger

from clhoi_mm.evaluation.core import (
    HOIRecord,
    RankedPairs,
    bootstrap_interval,
    rank_pairs,
    stack_records,
)
from clhoi_mm.registry import METRICS
from clhoi_mm.vocabulary import HOIVocabulary

from .hico_det_metric import HICODetMetric
from .unique_images import check_images


@METRICS.register_module()
class PairRankingMetric(HICODetMetric):
    """Average precision of ranking the pairs of given boxes.

    For models whose detections are the annotated boxes (PredCls): all pairs of
    persons and objects are candidates, and a class's AP is over the
    candidates with its object, see
    :func:`clhoi_mm.evaluation.core.rank_pairs`. Every pair needs a
    score: set ``model.max_per_img`` above the number of pairs times classes
    of an image. All metrics are percentages, means over the classes with a
    positive pair: ``AP``, and ``AP_multi``, over pairs whose image has several
    with the object; with rare classes ``AP_rare`` and ``AP_non_rare``, with
    ``unseen`` ``AP_unseen`` and ``AP_seen``, and these for ``AP_multi``.

    Args:
        vocabulary (str | dict | HOIVocabulary, optional): See
            :class:`HICODetMetric`. Defaults to None: the data set's.
        classwise (bool): Whether to return each class's AP as
            ``AP/<class>``. Defaults to False.
        unseen (str | Sequence[int], optional): See
            :class:`HICODetMetric`. Defaults to None.
        resamples (int): Number of bootstrap draws over images for 95 %
            confidence intervals, ``AP_low``, ``AP_high`` and those of
            ``AP_multi``. Defaults to 0, without intervals.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
        prefix (str): Prefix of the metrics' names. Defaults to 'pairs'.
        collect_dir (str, optional): See :class:`HICODetMetric`.
    """

    default_prefix = 'pairs'
    eval_names = {
        'AP': ('AP', 'AP_rare', 'AP_non_rare'),
        'AP_multi': ('AP_multi', 'AP_multi_rare', 'AP_multi_non_rare'),
        'zero_shot': ('AP', 'AP_unseen', 'AP_seen'),
    }

    def __init__(
        self,
        vocabulary: Optional[Union[str, dict, HOIVocabulary]] = None,
        classwise: bool = False,
        unseen: Optional[Union[str, Sequence[int]]] = None,
        resamples: int = 0,
        collect_device: str = 'cpu',
        prefix: str = 'pairs',
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(
            vocabulary,
            classwise=classwise,
            unseen=unseen,
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir,
        )
        self.resamples = resamples

    def compute_metrics(self, results: List[HOIRecord]) -> Dict[str, float]:
        """Evaluate all images.

        Args:
            results (list[HOIRecord]): One per image.

        Returns:
            dict[str, float]: The metrics, in percent.

        Raises:
            ValueError: If there are no images, an id occurs twice, or no
                candidate pair is positive.
        """
        name = type(self).__name__
        check_images([record.img_id for record in results], name)
        classes = self.hoi_classes
        gt, pred, _ = stack_records(results)
        ranked = rank_pairs(gt, pred, classes.objects)
        result = ranked.result()
        if not result.num_positive.any():
            raise ValueError(
                f'{name}: none of {result.num_pairs} candidate pairs lies on '
                f'one of {len(gt)} annotated ones. Detections should be the '
                "annotated boxes: LoadDetections(source='ground_truth')."
            )
        metrics = result.summary(classes.rare, self._unseen_mask())
        if self.resamples:
            metrics.update(self._intervals(ranked, len(results)))
        logger = MMLogger.get_current_instance()
        logger.info(
            f'{len(results)} images, {result.num_pairs} candidate pairs, '
            f'{result.num_positive.sum()} of them positive for one of '
            f'{(result.num_positive > 0).sum()} classes'
        )
        logger.info(
            'in percent: '
            + ', '.join(f'{key} {value:.2f}' for key, value in metrics.items())
        )
        if self.classwise:
            metrics.update(result.classwise(classes.names))
        return metrics

    def _intervals(
        self, ranked: RankedPairs, num_images: int
    ) -> Dict[str, float]:
        """Estimate the ends of the means over classes."""

        def means(weights: np.ndarray) -> np.ndarray:
            return 100 * np.nanmean(ranked.mean_precisions(weights), axis=1)

        ends = bootstrap_interval(means, num_images, self.resamples)
        return {
            f'{name}_{end}': float(ends[j, i])
            for i, name in enumerate(('AP', 'AP_multi'))
            for j, end in enumerate(('low', 'high'))
        }
