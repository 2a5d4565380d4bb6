"""Image records that are created on demand."""

from collections.abc import Sequence
from os import path as osp
from typing import Optional, Union

import numpy as np

from .image_table import ImageTable


class ImageList(Sequence):
    """Sequence of records in mmengine's form, created on access.

    Args:
        table (ImageTable): The images.
        root (str): Folder that their paths are relative to.
        common (dict): Fields of all records beside img_id, img_path and key,
            and width and height where known.
        rows (np.ndarray, optional): Rows of the images in the list, in order.
            Defaults to None: all.
    """

    def __init__(
        self,
        table: ImageTable,
        root: str,
        common: dict,
        rows: Optional[np.ndarray] = None,
    ) -> None:
        self.table = table
        self.root = root
        self.common = common
        self.rows = rows

    def __len__(self) -> int:
        return len(self.table) if self.rows is None else len(self.rows)

    def __getitem__(self, index: Union[int, slice]) -> Union[dict, Sequence]:
        if isinstance(index, slice):
            return self.take(np.arange(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f'image {index} of {len(self)}')
        row = index % len(self)
        if self.rows is not None:
            row = self.rows.item(row)
        info = dict(
            img_id=row,
            img_path=osp.join(self.root, self.table.path(row)),
            key=self.table.key(row),
            **self.common,
        )
        size = self.table.size(row)
        if size is not None:
            info['width'], info['height'] = size
        return info

    def take(self, positions: np.ndarray) -> 'ImageList':
        """Select images.

        Args:
            positions (np.ndarray): Indices into this list, (n, ).
        """
        if self.rows is None:
            rows = positions % len(self.table)
        else:
            rows = self.rows[positions]
        # Half the memory, and enough for four billion images.
        rows = rows.astype(np.uint32)
        return ImageList(self.table, self.root, self.common, rows)
