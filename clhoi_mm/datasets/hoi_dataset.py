"""Data set of images with human-object interactions."""

# First, since it silences what OneDL's mmdet prints at import.
import clhoi_mm.registry  # noqa: F401

# isort: split
import copy
import logging
import os.path as osp
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmdet.datasets import BaseDetDataset
from mmengine.dataset import Compose
from mmengine.fileio import exists, get
from mmengine.logging import print_log

from clhoi_mm.annotations import AnnotationFile, LabeledAnnotations
from clhoi_mm.registry import DATASETS, TRANSFORMS
from clhoi_mm.utils.errors import InputError
from clhoi_mm.utils.image_reader import UnreadableImage
from clhoi_mm.vocabulary import HOIVocabulary, unseen_classes

from .image_errors import (
    MissingImage,
    describe_image_errors,
    pack_unreadable,
)
from .key_check import check_keys
from .temporary_seed import temporary_seed
from .vocabulary_metainfo import vocabulary_metainfo
from .zero_shot import without_unseen_pairs


@DATASETS.register_module()
class HOIDataset(BaseDetDataset):
    """Images, boxes and human-object interactions from one annotation file.

    The file is a COCO detection file (so that pycocotools and every mmdet
    detector read it as it is) with three more lists:

    - ``images``: id, file_name, width, height; optionally ``key`` (unique
      over the splits; the file name if absent) and ``hoi_ids`` (image-level
      labels, ids of ``hoi_categories``, invisible interactions included).
    - ``annotations``: id, image_id, category_id, bbox [x, y, w, h] in
      zero-based continuous pixels, area, iscrowd; optionally
      ``hoi_labelled`` (false for a person whose interactions are not
      annotated; default true).
    - ``categories``: id, name. Matched with the vocabulary's objects by name.
    - ``verbs``: names. Matched with the vocabulary's verbs by name.
    - ``hoi_categories``: id, verb_id (index into ``verbs``), category_id;
      optionally ``rare``. If empty, the vocabulary's classes are used.
    - ``hois``: id, image_id, human_ann_id, object_ann_id (either may be
      null), verb_id; optionally ``invisible``.

    Images without annotations or without people are kept, unless
    ``filter_cfg`` removes them. A file without any image is an error, in test
    mode too.

    Args:
        ann_file (str): The annotation file. Defaults to '': that of
            ``split``.
        vocabulary (str | dict | HOIVocabulary, optional): A name, a path or
            content. Defaults to the class's own, here 'mini'.
        data_root (str): Joined with ``ann_file`` and ``data_prefix``.
        data_prefix (dict, optional): ``img``: the folder that file names are
            relative to. Defaults to None: that of ``split``, else
            ``dict(img='')``.
        pipeline (Sequence[dict | Callable]): Transforms.
        test_mode (bool): Whether to skip filtering and seeding and to pack
            every visible pair of the file. Defaults to False.
        filter_cfg (dict, optional): For training: ``filter_empty_gt`` leaves
            out images without a usable box, ``filter_empty_hois`` those
            without a visible pair, ``min_size`` those with a shorter side.
        split (str, optional): Split of a known data set: the default of
            ``ann_file`` and ``data_prefix``. Defaults to None.
        zero_shot (str | Sequence[int], optional): HOI classes held out of
            training: 'rf_uc', 'nf_uc', 'uo' or 'uv' of HICO-DET, a JSON
            file of labels or labels. Training loses every (person, object)
            pair with one of them, including its other labels, and these image
            labels; tests are not changed. Defaults to None.
        bad_images (str, optional): Handling of images that are missing or
            unreadable. 'error' raises. 'skip' warns; training uses
            another image, and in test mode the sample has no image and
            states the reason (``unreadable``). Defaults to None: 'error' in
            training, 'skip' in test mode.
        metainfo (dict, optional): Further meta information. The vocabulary's
            own entries cannot be overridden.
        indices (int | Sequence[int], optional): Keep only these images.
        serialize_data (bool): Keep records serialized, to share memory among
            workers. Defaults to True.
        lazy_init (bool): Read the file later. Defaults to False.
        max_refetch (int): Tries where the pipeline returns None.
        seed (int): Seed of augmentation, see :meth:`set_epoch`. Defaults to 0.
        backend_args (dict, optional): Of mmengine's file backend.

    ``metainfo`` holds plain lists, strings, bools and numbers: classes,
    palette, verbs, hoi_classes ('ride bicycle'), hoi_verbs and hoi_objects
    (labels of each class), rare (flag of each class, or None), unseen (the
    same for zero-shot training), vocabulary (name), vocabulary_hash.

    Raises:
        FileNotFoundError: If the annotation file or an image is missing.
        ValueError: If the file is inconsistent or does not fit the vocabulary.
    """

    METAINFO = dict(dataset_type='HOIDataset')
    VOCABULARY = 'mini'
    FILTERS = ('filter_empty_gt', 'filter_empty_hois', 'min_size')
    SPLITS: Dict[str, str] = {}
    IMG_PREFIX = ''
    SOURCE = (
        'The mini world is made by `python '
        'projects/mini_world/make_mini.py --out data/mini`; for '
        'other data, write the file in the format that `python -m '
        'pydoc clhoi_mm.datasets.HOIDataset` describes'
    )

    def __init__(
        self,
        ann_file: str = '',
        vocabulary: Optional[Union[str, dict, HOIVocabulary]] = None,
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        pipeline: Sequence[Union[dict, Callable]] = (),
        test_mode: bool = False,
        filter_cfg: Optional[dict] = None,
        split: Optional[str] = None,
        zero_shot: Optional[Union[str, Sequence[int]]] = None,
        bad_images: Optional[str] = None,
        metainfo: Optional[dict] = None,
        indices: Optional[Union[int, Sequence[int]]] = None,
        serialize_data: bool = True,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        seed: int = 0,
        backend_args: Optional[dict] = None,
    ) -> None:
        self.vocabulary = HOIVocabulary.load(vocabulary or self.VOCABULARY)
        self.unseen = unseen_classes(zero_shot, self.vocabulary)
        self.seed = seed
        if bad_images not in (None, 'error', 'skip'):
            raise InputError(
                f"bad_images must be 'error' or 'skip', got {bad_images!r}."
            )
        self.bad_images = bad_images or ('skip' if test_mode else 'error')
        if split is not None:
            ann_file = ann_file or self._split_file(split)
        if data_prefix is None:
            data_prefix = dict(img=self.IMG_PREFIX if split else '')
        # Index of an image's repetition within an epoch, set by wrappers.
        self.repeat = 0
        # Shared memory, so that persistent workers see a new epoch.
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()
        self._num_skipped = torch.zeros_like(self._epoch).share_memory_()
        unknown = set(filter_cfg or ()) - set(self.FILTERS)
        if unknown:
            raise InputError(
                f'filter_cfg: unknown {sorted(unknown)}; there '
                f'are {list(self.FILTERS)}.'
            )
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix=data_prefix,
            filter_cfg=filter_cfg,
            indices=indices,
            serialize_data=serialize_data,
            test_mode=test_mode,
            lazy_init=True,
            max_refetch=max_refetch,
            backend_args=backend_args,
        )
        self._set_vocabulary_metainfo()
        if not lazy_init:
            # Before missing files of transforms, which are made from this one.
            self._check_source()
        # In this package's scope, whatever the default scope is.
        self.pipeline = Compose(
            [
                TRANSFORMS.build({'_scope_': 'clhoi_mm', **step})
                if isinstance(step, dict)
                else step
                for step in pipeline
            ]
        )
        if not lazy_init:
            self.full_init()

    @property
    def list_file(self) -> str:
        """Return the file that lists the images, for messages."""
        return self.ann_file

    @property
    def num_skipped(self) -> int:
        """Return how often training skipped an image, in all processes."""
        return int(self._num_skipped)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that determines augmentation.

        Each training sample's pipeline runs with random generators seeded
        from (seed, epoch, index), so that a resumed training equals an
        uninterrupted one, whatever the number of workers.

        Args:
            epoch (int): The epoch, from 0.
        """
        self._epoch.fill_(epoch)

    def load_data_list(self) -> List[dict]:
        """Read and check the annotation file.

        Returns:
            List[dict]: One record per image; see :meth:`parse_data_info`.
        """
        self._check_source()
        file = AnnotationFile.parse(
            get(self.ann_file, backend_args=self.backend_args), self.ann_file
        )
        file.require_sizes()
        labeled = LabeledAnnotations(file, self.vocabulary)
        if not file.images:
            raise InputError(
                f'{self.ann_file}: images is empty; there is '
                'nothing to train on or to test.'
            )
        self._metainfo['rare'] = labeled.rare
        return [
            self.parse_data_info(
                dict(
                    image=image,
                    rows=labeled.boxes(i),
                    hois=labeled.hois(i),
                    image_hoi_labels=labeled.image_labels(i),
                )
            )
            for i, image in enumerate(file.images)
        ]

    def _check_source(self) -> None:
        if not self.ann_file or not exists(
            self.ann_file, backend_args=self.backend_args
        ):
            raise FileNotFoundError(
                f'No annotation file {self.ann_file!r}. {self.SOURCE}. Then '
                'run the same command again.'
            )

    def _split_file(self, split: str) -> str:
        if split not in self.SPLITS:
            raise InputError(
                f'{type(self).__name__}: no split {split!r}; '
                f'there are {list(self.SPLITS)}.'
            )
        return self.SPLITS[split]

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Make the record of one image.

        Args:
            raw_data_info (dict): ``image``, a record of the file; ``rows``,
                ``hois`` and ``image_hoi_labels`` as
                :class:`LabeledAnnotations` returns them.

        Returns:
            dict: img_id, img_path, key, height, width; ``instances`` in
            mmdet's form, each with its ``row``, without boxes that are
            smaller than a pixel or outside the image; and ``rows``, ``hois``,
            ``image_hoi_labels``, complete.
        """
        image, rows = raw_data_info['image'], raw_data_info['rows']
        hois = raw_data_info['hois']
        image_labels = raw_data_info['image_hoi_labels']
        if self.unseen is not None and not self.test_mode:
            hois = without_unseen_pairs(hois, self.unseen)
            image_labels = image_labels[~self.unseen[image_labels]]
        size = np.array([image['width'], image['height']] * 2, np.float32)
        inside = np.clip(rows['bboxes'], 0, size)
        usable = (inside[:, 2:] > inside[:, :2]).all(1) & (
            rows['bboxes'][:, 2:] - rows['bboxes'][:, :2] >= 1
        ).all(1)
        instances = [
            dict(
                bbox=rows['bboxes'][row].tolist(),
                bbox_label=int(rows['labels'][row]),
                ignore_flag=int(rows['iscrowd'][row]),
                row=int(row),
            )
            for row in np.flatnonzero(usable)
        ]
        return dict(
            img_id=image['id'],
            img_path=osp.join(self.data_prefix['img'], image['file_name']),
            key=image.get('key') or image['file_name'],
            height=image['height'],
            width=image['width'],
            instances=instances,
            rows=rows,
            hois=hois,
            image_hoi_labels=image_labels,
            person_label=self.vocabulary.person_label,
            test_mode=self.test_mode,
        )

    def filter_data(self) -> List[dict]:
        """Apply ``filter_cfg`` in training.

        Raises:
            ValueError: If no image is left, or a file that the pipeline looks
                up by key contains none of the images.
        """
        kept = self._filter()
        check_keys(
            self.pipeline, [x['key'] for x in kept], self.ann_file, len(kept)
        )
        return kept

    def _filter(self) -> List[dict]:
        if self.test_mode or not self.filter_cfg:
            return self.data_list
        cfg = self.filter_cfg
        kept = [
            info
            for info in self.data_list
            if (info['instances'] or not cfg.get('filter_empty_gt', False))
            and (
                not info['hois']['invisible'].all()
                or not cfg.get('filter_empty_hois', False)
            )
            and min(info['width'], info['height']) >= cfg.get('min_size', 0)
        ]
        if not kept:
            raise InputError(
                f'{self.ann_file}: filter_cfg={cfg} leaves none '
                f'of {len(self.data_list)} images.'
            )
        return kept

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on one image, seeded in training.

        Args:
            idx (int): The image's index.

        Returns:
            The pipeline's result. For skipped images None in training, and a
            sample without an image in test mode.
        """
        try:
            info = self._record(idx)
            with describe_image_errors(info, self.list_file, self.SOURCE):
                return self.pipeline(info)
        except (MissingImage, UnreadableImage) as error:
            if self.bad_images == 'error':
                raise
            print_log(f'Skipped: {error}', 'current', logging.WARNING)
            if self.test_mode:
                return pack_unreadable(self.pipeline, self._record(idx), error)
            self._num_skipped += 1
            return None

    def _record(self, idx: int) -> dict:
        """Return the pipeline's input."""
        return self.get_data_info(idx)

    def __getitem__(self, idx: int) -> Any:
        if self.test_mode:
            return super().__getitem__(idx)
        entropy = [self.seed, int(self._epoch), idx % len(self)]
        with temporary_seed(*entropy, *[self.repeat] * (self.repeat > 0)):
            return super().__getitem__(idx)

    def _set_vocabulary_metainfo(self) -> None:
        entries = vocabulary_metainfo(self.vocabulary, self.unseen)
        conflicts = sorted(set(entries) & set(self._metainfo))
        if conflicts:
            raise InputError(
                f'metainfo: {conflicts} come from the vocabulary; '
                'give another vocabulary instead.'
            )
        self._metainfo = copy.deepcopy({**self._metainfo, **entries})
