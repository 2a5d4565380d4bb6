"""Data set of images without annotations."""

import os.path as osp
from itertools import islice
from typing import Callable, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.logging import print_log

from clhoi_mm.registry import DATASETS
from clhoi_mm.teacher import TeacherCache
from clhoi_mm.utils.image_reader import UnreadableImage, read_image_size
from clhoi_mm.vocabulary import HOIVocabulary

from .hoi_dataset import HOIDataset
from .image_index import open_images
from .image_list import ImageList
from .key_check import check_keys
from .string_array import StringArray
from .transforms import LoadImage

_KEYS_AT_ONCE = 1 << 16
# Number of images of a large data set that are looked up at the start.
_KEYS_CHECKED = 20_000


@DATASETS.register_module()
class UnlabeledHOIDataset(HOIDataset):
    """Images of a folder, list or Parquet file, without annotations.

    Label-free training needs it, the teacher's cache, and a pipeline of
    LoadImage, LoadTeacherKnowledge, augmentation and PackHOIInputs. Keys, by
    which the cache is looked up, are those of
    ``tools/teacher/annotate.py --images`` with the same folder or list.

    Ten million images open in seconds and stay on disk: records are created
    on demand, from memory-mapped columns.

    Args:
        images (str): Joined with ``data_root``. A folder: searched in the
            order of names; keys are paths inside it. A .txt: one path per
            line, which is also the key. A .parquet: columns ``path`` (or
            ``file_name``), optionally ``key`` (default: the path), and
            optionally ``width`` and ``height``.
        vocabulary (str | dict | HOIVocabulary): A name, a path or content.
        data_root (str): See ``images`` and ``data_prefix``.
        data_prefix (dict, optional): ``img``: the folder that the paths of a
            list, or the keys of a folder's images, are relative to. Joined
            with ``data_root``. Defaults to None: the list's folder, or the
            folder itself.
        index (str, optional): Index file for a million images and more.
            Defaults to None: ``images`` with the suffix '.index'. It is
            created when the list is first opened and after it, or a folder,
            has changed.
        pipeline (Sequence[dict | Callable]): Transforms.
        test_mode (bool): Whether to skip filtering and seeding. Defaults to
            False.
        bad_images (str, optional): See :class:`HOIDataset`.
        filter_cfg (dict, optional): For training: ``without_answer``, a folder
            with the teacher's cache, leaves out images that are not in it.
        metainfo (dict, optional): See :class:`HOIDataset`.
        indices (int | Sequence[int], optional): Keep only these images.
        lazy_init (bool): Open the list later. Defaults to False.
        max_refetch (int): Tries where the pipeline returns None.
        seed (int): Seed of augmentation. Defaults to 0.

    Records have width and height where a Parquet file states them;
    :meth:`get_data_info`, which AspectRatioBatchSampler calls, otherwise reads
    them from the image file.

    Raises:
        FileNotFoundError: If the folder, list or an image is missing.
        ValueError: If the list is damaged or empty, or an image occurs twice.
    """

    METAINFO = dict(dataset_type='UnlabeledHOIDataset')
    FILTERS = ('without_answer',)
    SOURCE = (
        'Paths of a list are relative to data_prefix, else to the '
        "list's folder; bad_images='skip' trains without such images"
    )

    def __init__(
        self,
        images: str,
        vocabulary: Union[str, dict, HOIVocabulary],
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        index: Optional[str] = None,
        pipeline: Sequence[Union[dict, Callable]] = (),
        test_mode: bool = False,
        bad_images: Optional[str] = None,
        filter_cfg: Optional[dict] = None,
        metainfo: Optional[dict] = None,
        indices: Optional[Union[int, Sequence[int]]] = None,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        seed: int = 0,
    ) -> None:
        self.index = index
        self._has_prefix = data_prefix is not None
        super().__init__(
            ann_file=images,
            vocabulary=vocabulary,
            data_root=data_root,
            data_prefix=data_prefix,
            pipeline=pipeline,
            test_mode=test_mode,
            filter_cfg=filter_cfg,
            bad_images=bad_images,
            metainfo=metainfo,
            indices=indices,
            serialize_data=False,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
            seed=seed,
        )

    @property
    def list_file(self) -> str:
        """Return the folder or list."""
        return self.images

    def load_data_list(self) -> ImageList:
        """Open the list.

        Returns:
            ImageList: Records of images.
        """
        self._check_source()
        # An empty prefix counts as none.
        prefix = self.data_prefix.get('img') if self._has_prefix else None
        root = prefix or self.images
        if not prefix and not osp.isdir(self.images):
            root = osp.dirname(self.images)
        is_folder = osp.isdir(self.images)
        table = open_images(
            self.images, root if is_folder else None, self.index
        )
        return ImageList(
            table, root, dict(instances=[], test_mode=self.test_mode)
        )

    def filter_data(self) -> ImageList:
        """Apply ``filter_cfg``; see :class:`HOIDataset`."""
        kept = self._filter()
        step = max(1, len(kept) // _KEYS_CHECKED)
        keys = [kept[i]['key'] for i in range(0, len(kept), step)]
        check_keys(self.pipeline, keys, self.images, len(kept))
        return kept

    def _filter(self) -> ImageList:
        cache = (self.filter_cfg or {}).get('without_answer')
        if self.test_mode or cache is None:
            return self.data_list
        cache = TeacherCache(cache, self.vocabulary)
        table = self.data_list.table
        cache_hashes = np.sort(_hashes_of(cache))
        hashes = table.keys.hashes()
        place = np.searchsorted(cache_hashes, hashes).clip(
            max=len(cache_hashes) - 1
        )
        kept = (
            np.flatnonzero(cache_hashes[place] == hashes)
            if len(cache_hashes)
            else []
        )
        total = len(self.data_list)
        if not len(kept):
            example = next(cache.keys(), None)
            raise ValueError(
                f'{self.images}: filter_cfg.without_answer leaves none of '
                f'{total} images. Their keys are like {table.key(0)!r}, those '
                f'of the cache {cache.path} like {example!r}; set data_prefix '
                'to the folder that both are relative to, or annotate the '
                'images.'
            )
        print_log(
            f'{total - len(kept)} of {total} images of {self.images} '
            f'are not in {cache.path} and left out',
            'current',
        )
        return self.data_list.take(kept)

    def get_data_info(self, idx: int) -> dict:
        """Return a record with the image's size.

        Args:
            idx (int): The image's index.

        Returns:
            dict: img_id, img_path, key, width, height, sample_idx;
            ``instances`` (none), in mmdet's form; test_mode.
        """
        info = super().get_data_info(idx)
        if 'width' not in info:
            info['width'], info['height'] = self._read_size(info['img_path'])
        return info

    def _record(self, idx: int) -> dict:
        # Without the size, since the pipeline decodes the image anyway.
        return super().get_data_info(idx)

    def _read_size(self, path: str) -> Tuple[int, int]:
        """Read an image's width and height as the pipeline does."""
        load = (
            step
            for step in self.pipeline.transforms
            if isinstance(step, LoadImage)
        )
        orientation = next((s.orientation for s in load), 'upright')
        try:
            return read_image_size(path, orientation)
        except (FileNotFoundError, UnreadableImage):
            # The pipeline reports what is wrong with the image.
            return 1, 1

    def _get_unserialized_subset(
        self, indices: Union[Sequence[int], int]
    ) -> ImageList:
        if isinstance(indices, int):
            return super()._get_unserialized_subset(indices)
        return self.data_list.take(np.asarray(indices, np.int64))

    def _join_prefix(self) -> None:
        super()._join_prefix()
        # There is no annotation file for transforms to read.
        self.images, self.ann_file = self.ann_file, None

    def _check_source(self) -> None:
        if not osp.exists(self.images):
            raise FileNotFoundError(
                f'{self.images}: no such folder or list of images; check '
                'images and data_root.'
            )


def _hashes_of(cache: TeacherCache) -> np.ndarray:
    """Hash the keys of a cache, (N, ) uint64."""
    keys = (key.encode() for key in cache.keys())
    parts = [np.zeros(0, np.uint64)]
    while block := list(islice(keys, _KEYS_AT_ONCE)):
        parts.append(StringArray.of(block).hashes())
    return np.concatenate(parts)
