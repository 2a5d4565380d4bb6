from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from clhoi_mm.evaluation.core import (
    HICO_DET_PROTOCOLS,
    HICODetResult,
    HOIClasses,
    HOIRecord,
    evaluate_hico_det,
    read_sample,
    stack_records,
)
from clhoi_mm.registry import METRICS
from clhoi_mm.vocabulary import HOIVocabulary, load_zero_shot_split

from .unique_images import check_images


@METRICS.register_module()
class HICODetMetric(BaseMetric):
    """mAP of human-object interactions as HICO-DET's papers report it.

    Uses ``img_id``, ``gt_hois``, ``image_hoi_labels`` and ``pred_hois`` of
    each sample's dict; boxes in original-image coordinates. All metrics are
    percentages: ``mAP``, ``mAP_rare`` and ``mAP_non_rare`` in the Default
    setting and ``mAP_ko``, ``mAP_ko_rare`` and ``mAP_ko_non_rare`` in the
    Known-Object setting. Where the vocabulary does not define rare classes,
    the rare and non-rare metrics are omitted. With ``unseen``, ``mAP_unseen``
    and ``mAP_seen`` are added.

    Args:
        vocabulary (str | dict | HOIVocabulary, optional): Name, path,
            content, or object; for data sets whose metainfo has none.
            Defaults to None: the data set's.
        protocol (str): Evaluator to reproduce: 'official', HICO-DET's own
            MATLAB script; 'qpic', also GEN-VLKT's and HOICLIP's; 'pocket',
            UPT's, PViC's and ADA-CM's. See
            :mod:`clhoi_mm.evaluation.core.protocols`. Defaults to 'official'.
        known_object (bool): Whether to evaluate the Known-Object setting too.
            Defaults to True.
        classwise (bool): Whether to log each class's AP and to return it as
            ``AP/<class>`` and ``AP_ko/<class>``. Defaults to False.
        unseen (str | Sequence[int], optional): Classes held out of zero-shot
            training, as labels, as a JSON file of labels or as the name of
            one of HICO-DET's splits ('rf_uc', 'nf_uc', 'uo', 'uv'). Defaults
            to None.
        collect_device (str): 'cpu' or 'gpu', where the results of several
            processes are collected. Defaults to 'cpu'.
        prefix (str): Prefix of the metrics' names, as in ``hico_det/mAP``.
            Defaults to 'hico_det'.
        collect_dir (str, optional): Folder through which several processes
            exchange results on the CPU. Defaults to None.
    """

    default_prefix = 'hico_det'
    # Names accepted by ``--eval`` and the metrics each one selects.
    eval_names = {
        'mAP': ('mAP', 'mAP_rare', 'mAP_non_rare'),
        'mAP_ko': ('mAP_ko', 'mAP_ko_rare', 'mAP_ko_non_rare'),
        'zero_shot': ('mAP', 'mAP_unseen', 'mAP_seen'),
    }

    def __init__(
        self,
        vocabulary: Optional[Union[str, dict, HOIVocabulary]] = None,
        protocol: str = 'official',
        known_object: bool = True,
        classwise: bool = False,
        unseen: Optional[Union[str, Sequence[int]]] = None,
        collect_device: str = 'cpu',
        prefix: str = 'hico_det',
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir,
        )
        if protocol not in HICO_DET_PROTOCOLS:
            raise ValueError(
                f'HICODetMetric has no protocol {protocol!r}; '
                f'there is {", ".join(HICO_DET_PROTOCOLS)}.'
            )
        self.protocol = protocol
        self.known_object = known_object
        self.classwise = classwise
        self.unseen = unseen
        if isinstance(unseen, str):
            self.unseen = load_zero_shot_split(unseen)
        self._own_classes = None
        if vocabulary is not None:
            self._own_classes = HOIClasses.from_vocabulary(
                HOIVocabulary.load(vocabulary)
            )

    @property
    def hoi_classes(self) -> HOIClasses:
        """Return the interaction classes of data set or metric.

        Raises:
            ValueError: If neither has classes, or they contradict each other.
        """
        meta, metric_classes = self.dataset_meta or {}, self._own_classes
        if metric_classes is not None and 'hoi_classes' not in meta:
            return metric_classes
        classes = HOIClasses.from_metainfo(meta)
        if (
            metric_classes
            and metric_classes.vocabulary_hash != classes.vocabulary_hash
        ):
            raise ValueError(
                f"{type(self).__name__}'s vocabulary differs from the data "
                f"set's, {meta.get('vocabulary')!r}: labels would mean other "
                'classes. Leave vocabulary out of the evaluator to use the '
                "data set's."
            )
        return classes

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store annotations and predictions of a batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): ``HOIDataSample.to_dict()`` of
                each image.
        """
        num_hois = len(self.hoi_classes)
        self.results.extend(
            read_sample(sample, num_hois) for sample in data_samples
        )

    def compute_metrics(self, results: List[HOIRecord]) -> Dict[str, float]:
        """Evaluate all images.

        Args:
            results (list[HOIRecord]): One per image.

        Returns:
            dict[str, float]: The metrics, in percent.

        Raises:
            ValueError: If there are no images, or an id occurs twice.
        """
        check_images([record.img_id for record in results], 'HICODetMetric')
        classes = self.hoi_classes
        result = evaluate_hico_det(
            *stack_records(results),
            classes.objects,
            self.protocol,
            self.known_object,
        )
        metrics = result.summary(classes.rare, self._unseen_mask())
        self._log(result, metrics, results)
        if self.classwise:
            metrics.update(result.classwise(classes.names))
        return metrics

    def _unseen_mask(self) -> Optional[np.ndarray]:
        if self.unseen is None:
            return None
        num_hois = len(self.hoi_classes)
        wrong = [label for label in self.unseen if not 0 <= label < num_hois]
        if wrong:
            raise ValueError(
                f'unseen holds {wrong[0]}, but the vocabulary '
                f'has {num_hois} classes.'
            )
        return np.isin(np.arange(num_hois), self.unseen)

    def _log(
        self,
        result: HICODetResult,
        metrics: Dict[str, float],
        records: Sequence[HOIRecord],
    ) -> None:
        logger = MMLogger.get_current_instance()
        num_outside = sum(record.num_outside for record in records)
        if num_outside:
            logger.warning(
                f'{num_outside} pairs belong to no class of the '
                'vocabulary and were left out.'
            )
        num_empty = int((result.num_gt == 0).sum())
        logger.info(
            f'HICO-DET protocol {self.protocol!r}: {len(records)} images, '
            f'{result.num_gt.sum()} annotated and {result.num_pred} '
            f'predicted pairs, {len(result.ap)} classes ({num_empty} without '
            f'annotated pairs, '
            f'{"AP 0" if result.empty_classes else "left out"}).'
        )
        subsets = ('', '_rare', '_non_rare')
        if self.unseen is not None:
            subsets += ('_unseen', '_seen')
        titles = [name.strip('_').replace('_', '-') for name in subsets[1:]]
        rows = [['setting', 'full', *titles]]
        settings = {'mAP': 'Default', 'mAP_ko': 'Known-Object'}
        for name, title in settings.items():
            if name in metrics:
                values = [metrics.get(f'{name}{subset}') for subset in subsets]
                rows.append([title, *map(_percent, values)])
        logger.info('mAP in percent\n' + AsciiTable(rows).table)
        if self.classwise:
            logger.info('AP of each class\n' + self._class_table(result))

    def _class_table(self, result: HICODetResult) -> str:
        classes = self.hoi_classes
        rare = classes.rare
        if rare is None:
            rare = np.zeros(len(classes), dtype=bool)
        columns = [
            classes.names,
            ['rare' if flag else '' for flag in rare],
            result.num_gt.tolist(),
            [_percent(ap * 100) for ap in result.ap],
        ]
        if result.ap_ko is not None:
            columns.append([_percent(ap * 100) for ap in result.ap_ko])
        head = ['class', '', 'pairs', 'AP', 'AP_ko'][: len(columns)]
        return AsciiTable([head, *map(list, zip(*columns))]).table


def _percent(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:.2f}'
