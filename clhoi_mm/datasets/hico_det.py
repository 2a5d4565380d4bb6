"""HICO-DET."""
from clhoi_mm.registry import DATASETS
from .hoi_dataset import HOIDataset


@DATASETS.register_module()
class HICODetDataset(HOIDataset):
    """HICO-DET, 80 objects, 117 verbs, 600 classes, 138 of them rare.

    Chao et al., Learning to Detect Human-Object Interactions, WACV 2018.
    Arguments are those of :class:`HOIDataset`; the vocabulary is 'hico_det'
    by default.
    """

    METAINFO = dict(dataset_type='HICODetDataset')
    VOCABULARY = 'hico_det'
    SOURCE = ('HICO-DET (20160224_det: images and anno_bbox.mat) is had from '
              'github.com/ywchao/ho-rcnn, its annotations as JSON also from '
              'github.com/fredzzhang/hicodet; write the latter in the format '
              'that `python -m pydoc clhoi_mm.datasets.HOIDataset` describes')
