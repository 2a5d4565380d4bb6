from collections import Counter
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from clhoi_mm.evaluation.core import (HICODetResult, HOIClasses, HOIRecord,
                                      evaluate_hico_det, read_sample)
from clhoi_mm.registry import METRICS
from clhoi_mm.vocabulary import HOIVocabulary


@METRICS.register_module()
class HICODetMetric(BaseMetric):
    """mAP of human-object interactions as HICO-DET's papers report it.

    Reads ``img_id``, ``gt_hois``, ``image_hoi_labels`` and ``pred_hois`` of
    each sample's dict; boxes in original-image coordinates. All figures are
    percentages: ``mAP``, ``mAP_rare`` and ``mAP_non_rare`` in the Default
    setting and ``mAP_ko``, ``mAP_ko_rare`` and ``mAP_ko_non_rare`` in the
    Known-Object setting. Where the classes carry no flags of rarity, the rare
    and non-rare figures are left out. A class without annotated pairs
    counts with AP 0.

    Args:
        vocabulary (str | dict | HOIVocabulary, optional): Name, path,
            content, or object; for data sets whose metainfo has none.
            Defaults to None: the data set's.
        protocol (str): How to match and average; 'official' is that of
            HICO-DET's own MATLAB script. Defaults to 'official'.
        known_object (bool): Whether to score the Known-Object setting too.
            Defaults to True.
        classwise (bool): Whether to log each class's AP and to return it as
            ``AP/<class>``. Defaults to False.
        collect_device (str): 'cpu' or 'gpu'; where the results of several
            processes meet. Defaults to 'cpu'.
        prefix (str): What stands before the names, as in ``hico_det/mAP``.
            Defaults to 'hico_det'.
        collect_dir (str, optional): Folder through which several processes
            exchange results on the CPU. Defaults to None.
    """
    default_prefix = 'hico_det'
    protocols = ('official', )
    # What may be asked for by name, and the figures each name stands for.
    eval_names = {
        'mAP': ('mAP', 'mAP_rare', 'mAP_non_rare'),
        'mAP_ko': ('mAP_ko', 'mAP_ko_rare', 'mAP_ko_non_rare')
    }

    def __init__(self,
                 vocabulary: Optional[Union[str, dict, HOIVocabulary]] = None,
                 protocol: str = 'official',
                 known_object: bool = True,
                 classwise: bool = False,
                 collect_device: str = 'cpu',
                 prefix: str = 'hico_det',
                 collect_dir: Optional[str] = None) -> None:
        super().__init__(
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir)
        if protocol not in self.protocols:
            raise ValueError(f'HICODetMetric has no protocol {protocol!r}; '
                             f'there is {", ".join(self.protocols)}.')
        self.protocol = protocol
        self.known_object = known_object
        self.classwise = classwise
        self._own_classes = None
        if vocabulary is not None:
            self._own_classes = HOIClasses.from_vocabulary(
                HOIVocabulary.load(vocabulary))

    @property
    def hoi_classes(self) -> HOIClasses:
        """The data set's classes, or those of the metric's vocabulary.

        Raises:
            ValueError: Neither tells, or they contradict each other.
        """
        meta, own = self.dataset_meta or {}, self._own_classes
        if own is not None and 'hoi_classes' not in meta:
            return own
        classes = HOIClasses.from_metainfo(meta)
        if own and own.vocabulary_hash != classes.vocabulary_hash:
            raise ValueError(
                "HICODetMetric's vocabulary differs from the data set's, "
                f'{meta.get("vocabulary")!r}: labels would mean different '
                'classes. Leave vocabulary out of the evaluator to use the '
                "data set's.")
        return classes

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keeps what scoring needs of a batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): ``HOIDataSample.to_dict()`` of
                each image.
        """
        num_hois = len(self.hoi_classes)
        self.results.extend(
            read_sample(sample, num_hois) for sample in data_samples)

    def compute_metrics(self, results: List[HOIRecord]) -> Dict[str, float]:
        """Scores all images.

        Args:
            results (list[HOIRecord]): One for each image.

        Returns:
            dict[str, float]: The figures, in percent.

        Raises:
            ValueError: There are no images, or one was scored twice.
        """
        if not results:
            raise ValueError('HICODetMetric got no images; is the data set '
                             'empty?')
        img_id, times = Counter(
            record.img_id for record in results).most_common(1)[0]
        if times > 1:
            raise ValueError(f'HICODetMetric got image {img_id} {times} '
                             'times; img_id must be unique in a data set.')
        classes = self.hoi_classes
        result = evaluate_hico_det(results, classes.objects,
                                   self.known_object)
        figures = result.summary(classes.rare)
        self._log(result, figures, results)
        if self.classwise:
            figures.update({
                f'AP/{name}': float(ap) * 100
                for name, ap in zip(classes.names, result.ap)
            })
        return figures

    def _log(self, result: HICODetResult, figures: Dict[str, float],
             records: Sequence[HOIRecord]) -> None:
        logger = MMLogger.get_current_instance()
        num_outside = sum(record.num_outside for record in records)
        if num_outside:
            logger.warning(f'{num_outside} pairs belong to no class of the '
                           'vocabulary and were left out.')
        num_empty = int((result.num_gt == 0).sum())
        logger.info(
            f'HICO-DET protocol {self.protocol!r}: {len(records)} images, '
            f'{result.num_gt.sum()} annotated and {result.num_pred} '
            f'predicted pairs, {len(result.ap)} classes ({num_empty} without '
            'annotated pairs, AP 0).')
        rows = [['setting', 'full', 'rare', 'non-rare']]
        settings = {'mAP': 'Default', 'mAP_ko': 'Known-Object'}
        for name, title in settings.items():
            values = [figures.get(key) for key in self.eval_names[name]]
            if values[0] is not None:
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
            classes.names, ['rare' if flag else '' for flag in rare],
            result.num_gt.tolist(), [_percent(ap * 100) for ap in result.ap]
        ]
        if result.ap_ko is not None:
            columns.append([_percent(ap * 100) for ap in result.ap_ko])
        head = ['class', '', 'pairs', 'AP', 'AP_ko'][:len(columns)]
        return AsciiTable([head, *map(list, zip(*columns))]).table


def _percent(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:.2f}'
