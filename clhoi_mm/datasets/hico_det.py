"""HICO-DET."""

from clhoi_mm.registry import DATASETS

from .hoi_dataset import HOIDataset


@DATASETS.register_module()
class HICODetDataset(HOIDataset):
    """HICO-DET: 80 objects, 117 verbs, 600 classes, 138 rare.

    Chao et al., Learning to Detect Human-Object Interactions, WACV 2018.
    Arguments are those of :class:`HOIDataset`; the vocabulary is 'hico_det'
    by default, ``split`` is 'train' or 'test', ``zero_shot`` one of the four
    protocols.
    """

    METAINFO = dict(dataset_type='HICODetDataset')
    VOCABULARY = 'hico_det'
    SPLITS = dict(train='annotations/train.json', test='annotations/test.json')
    IMG_PREFIX = 'images/'
    SOURCE = (
        'HICO-DET (20160224_det: images and anno_bbox.mat) is available at '
        'github.com/ywchao/ho-rcnn, its annotations as JSON also at '
        'github.com/fredzzhang/hicodet; write the file with `python '
        'tools/dataset_converters/hico_det.py anno_bbox.mat`, and split '
        'it with `tools/dataset_converters/geometry.py split` where '
        'boxes are all that is needed'
    )
