"""V-COCO."""
from clhoi_mm.registry import DATASETS
from .hoi_dataset import HOIDataset


@DATASETS.register_module()
class VCOCODataset(HOIDataset):
    """V-COCO: 80 objects, 29 action roles, four of them without a role.

    Gupta and Malik, Visual Semantic Role Labeling, arXiv 1505.04474. Classes
    are the (verb, object) pairs of the vocabulary. Arguments are those of
    :class:`HOIDataset`; the vocabulary is 'v_coco' by default.
    """

    METAINFO = dict(dataset_type='VCOCODataset')
    VOCABULARY = 'v_coco'
    SOURCE = ('V-COCO is had from github.com/s-gupta/v-coco, its boxes and '
              'images (train2014, val2014) from cocodataset.org; write the '
              'annotations in the format that `python -m pydoc '
              'clhoi_mm.datasets.HOIDataset` describes')
