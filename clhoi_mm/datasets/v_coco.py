"""V-COCO."""

from clhoi_mm.registry import DATASETS

from .hoi_dataset import HOIDataset


@DATASETS.register_module()
class VCOCODataset(HOIDataset):
    """V-COCO: 80 objects, 29 action roles, four without a role.

    Gupta and Malik, Visual Semantic Role Labeling, arXiv 1505.04474. Classes
    are the (verb, object) pairs of the vocabulary. Arguments are those of
    :class:`HOIDataset`; the vocabulary is 'v_coco' by default, ``split`` is
    'train', 'val', 'trainval' or 'test'.
    """

    METAINFO = dict(dataset_type='VCOCODataset')
    VOCABULARY = 'v_coco'
    SPLITS = {
        split: f'annotations/{split}.json'
        for split in ('train', 'val', 'trainval', 'test')
    }
    IMG_PREFIX = 'images/'
    SOURCE = (
        'V-COCO is available at github.com/s-gupta/v-coco, its boxes and '
        'images (train2014, val2014) at cocodataset.org; write the '
        'file with `python tools/dataset_converters/v_coco.py '
        'vcoco_trainval.json --coco instances_train2014.json --out '
        'data/v_coco/annotations/trainval.json`, and split it with '
        '`tools/dataset_converters/geometry.py split` where boxes are '
        'all that is needed'
    )
