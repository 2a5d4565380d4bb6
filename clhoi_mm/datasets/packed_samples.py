"""Samples without images as flat tensors in one file."""

import json
import os
from itertools import accumulate
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Union

import torch
from mmengine.structures import BaseDataElement, InstanceData
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from clhoi_mm.structures import HOIDataSample
from clhoi_mm.utils.files import atomic_path

# Metainfo that is stored of each sample.
META_KEYS = ('img_id', 'img_path', 'key', 'ori_shape', 'img_shape')


class PackedSamples:
    """Reader of samples that :meth:`write` stored.

    A field of all samples is one tensor, of which a sample's rows are a view:
    reading a sample takes a tenth of the time of making it. Views must not be
    modified.

    Args:
        tensors (Dict[str, Tensor]): ``FIELD`` or ``FIELD.PART``, rows of all
            samples, and ``FIELD:offsets``, where those of each begin.
        metainfo (Dict[str, list]): Metainfo of each sample by name.
        dataset_meta (dict): Meta information of the data set.
    """

    def __init__(
        self,
        tensors: Dict[str, Tensor],
        metainfo: Dict[str, list],
        dataset_meta: dict,
    ) -> None:
        # JSON has no tuples.
        self.metainfo = {
            name: [tuple(v) if isinstance(v, list) else v for v in values]
            for name, values in metainfo.items()
        }
        self.dataset_meta = dataset_meta
        self._offsets: Dict[str, List[int]] = {}
        self._fields: Dict[str, Dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            field, _, part = name.partition('.')
            if name.endswith(':offsets'):
                self._offsets[name[: -len(':offsets')]] = tensor.tolist()
            else:
                self._fields.setdefault(field, {})[part] = tensor

    def __len__(self) -> int:
        return len(self.metainfo['key'])

    def __getitem__(self, index: int) -> HOIDataSample:
        sample = HOIDataSample(
            metainfo={k: v[index] for k, v in self.metainfo.items()}
        )
        for field, parts in self._fields.items():
            rows = slice(*self._offsets[field][index : index + 2])
            value = parts.get('')
            if value is not None:
                value = value[rows]
            else:
                value = InstanceData()
                for name, part in parts.items():
                    # Without the checks of attributes, which take longest.
                    BaseDataElement.set_field(value, part[rows], name)
            BaseDataElement.set_field(sample, value, field)
        return sample

    def select(self, fields: Sequence[str]) -> None:
        """Leave out all other fields, to read samples faster.

        Args:
            fields (Sequence[str]): Fields that samples keep.
        """
        self._fields = {k: v for k, v in self._fields.items() if k in fields}

    @staticmethod
    def write(
        path: Union[str, os.PathLike],
        samples: Sequence[HOIDataSample],
        identity: str,
        dataset_meta: dict,
    ) -> None:
        """Write samples, which have the same fields.

        Args:
            path (str | PathLike): Output file.
            samples (Sequence[HOIDataSample]): The samples.
            identity (str): Identifies their origin, see :meth:`read`.
            dataset_meta (dict): Meta information of the data set.
        """
        tensors = {}
        for field, value in samples[0].items():
            values = [sample.get(field) for sample in samples]
            if isinstance(value, InstanceData):
                for part in value.keys():
                    tensors[f'{field}.{part}'] = torch.cat(
                        [rows.get(part) for rows in values]
                    )
            else:
                tensors[field] = torch.cat(values)
            tensors[f'{field}:offsets'] = torch.tensor(
                [0, *accumulate(map(len, values))]
            )
        metainfo = {k: [s.get(k) for s in samples] for k in META_KEYS}
        metadata = dict(
            identity=identity,
            metainfo=json.dumps(metainfo),
            dataset_meta=json.dumps(dataset_meta),
        )
        with atomic_path(path) as partial:
            save_file(tensors, partial, metadata)

    @classmethod
    def read(
        cls, path: Union[str, os.PathLike], identity: str
    ) -> Optional['PackedSamples']:
        """Read a file unless it is missing, damaged or of another origin.

        Args:
            path (str | PathLike): The file.
            identity (str): As it was written with.

        Returns:
            PackedSamples, optional: None where it must be written anew.
        """
        if not Path(path).is_file():
            return None
        try:
            with safe_open(path, 'pt') as file:
                metadata = file.metadata() or {}
                if metadata.get('identity') != identity:
                    return None
                return cls(
                    {name: file.get_tensor(name) for name in file.keys()},
                    json.loads(metadata['metainfo']),
                    json.loads(metadata['dataset_meta']),
                )
        except (SafetensorError, ValueError, KeyError):
            return None
