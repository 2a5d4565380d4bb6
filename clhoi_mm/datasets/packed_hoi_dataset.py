"""Data set of boxes whose samples are packed in a file."""

import hashlib
import json
from pathlib import Path
from typing import Optional

import numpy as np
import torch
from mmdet.structures.bbox import bbox_flip
from mmengine.structures import BaseDataElement
from torch.utils.data import Dataset
from tqdm import tqdm

from clhoi_mm.registry import DATASETS, TRANSFORMS
from clhoi_mm.structures import HOIDataSample

from .packed_samples import PackedSamples

# Fields of which models train.
TRAINING_FIELDS = ('detections', 'gt_instances', 'gt_hois')
# Boxes in input coordinates.
MIRRORED = (
    ('detections', 'bboxes'),
    ('gt_instances', 'bboxes'),
    ('teacher', 'pointed_human_bboxes'),
    ('teacher', 'pointed_object_bboxes'),
)


@DATASETS.register_module()
class PackedHOIDataset(Dataset):
    """Samples of a data set without images, packed in one file.

    Transforms, which run image by image, take longer than training on boxes
    alone. Here they run once: the first use writes the file, later ones read
    it. It is written anew if the data set's config or annotation file has
    changed. Pseudo-labels and mirroring are added on reading, so that all
    teachers share a file.

    Samples for training hold detections, annotated boxes and pairs, those for
    tests all that the pipeline packs.

    Args:
        dataset (dict): Config of a :class:`HOIDataset` whose pipeline begins
            with :class:`LoadImageSize` and has no random step.
        file (str): The file.
        teacher (dict, optional): Config of :class:`LoadTeacherKnowledge`,
            less its type. Defaults to None: no pseudo-labels.
        flip_prob (float): Probability of mirroring an image. Defaults to 0.
        indices (int, optional): Use the first images only. Defaults to None:
            all.
        seed (int): Seed of mirroring, beside the epoch. Defaults to 0.

    Raises:
        FileNotFoundError: If there is no annotation file or teacher cache.
        KeyError: If an image is not in the teacher's cache.
    """

    def __init__(
        self,
        dataset: dict,
        file: str,
        teacher: Optional[dict] = None,
        flip_prob: float = 0.0,
        indices: Optional[int] = None,
        seed: int = 0,
    ) -> None:
        source = DATASETS.build(dict(dataset, lazy_init=True))
        self.ann_file = source.ann_file
        identity = self._identify(dataset)
        samples = PackedSamples.read(file, identity)
        if samples is None:
            source.full_init()
            made = [
                source[i]['data_samples']
                for i in tqdm(range(len(source)), f'packing {file}')
            ]
            PackedSamples.write(file, made, identity, source.metainfo)
            samples = PackedSamples.read(file, identity)
        if not source.test_mode:
            samples.select(TRAINING_FIELDS)
        self.samples = samples
        self.metainfo = samples.dataset_meta
        self.flip_prob = flip_prob
        self.seed = seed
        self._size = min(len(samples), indices or len(samples))
        self._teacher = teacher and TRANSFORMS.build(
            dict(type='LoadTeacherKnowledge', **teacher)
        )
        self._pixel = torch.zeros(3, 1, 1, dtype=torch.uint8)
        self.set_epoch(0)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> dict:
        sample = self.samples[index]
        if self._teacher is not None:
            sample.teacher = BaseDataElement()
            for name, value in self._teacher.look_up(sample.key).items():
                if isinstance(value, np.ndarray):
                    value = torch.from_numpy(value)
                sample.teacher.set_field(value, name)
        if self._is_mirrored[index]:
            self._mirror(sample)
        return dict(inputs=self._pixel, data_samples=sample)

    def full_init(self) -> None:
        """Do nothing: the samples are there."""

    def set_epoch(self, epoch: int) -> None:
        """Draw the images that an epoch mirrors.

        Args:
            epoch (int): The epoch, from 0.
        """
        generator = np.random.default_rng([self.seed, epoch])
        self._is_mirrored = generator.random(self._size) < self.flip_prob

    def _mirror(self, sample: HOIDataSample) -> None:
        """Mirror boxes in input coordinates."""
        for field, name in MIRRORED:
            element = sample.get(field)
            if element is not None and name in element:
                bboxes = bbox_flip(element.get(name), sample.img_shape)
                element.set_field(bboxes, name)
        sample.set_metainfo(dict(flip=True, flip_direction='horizontal'))

    def _identify(self, dataset: dict) -> str:
        """Hash the config and the annotation file."""
        content = hashlib.sha256(
            json.dumps(dataset, sort_keys=True, default=str).encode()
        )
        if Path(self.ann_file).is_file():
            content.update(Path(self.ann_file).read_bytes())
        return content.hexdigest()
