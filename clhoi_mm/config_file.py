"""What tools share about configs and checkpoints; needs mmengine alone."""

import argparse
import os.path as osp
from typing import Any, Iterator, Optional, Sequence, Union

from mmengine.config import Config, DictAction


class ConfigOptions(DictAction):
    """``--cfg-options key=value ...``, as an error that says how."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Union[str, Sequence[Any], None],
        option_string: Optional[str] = None,
    ) -> None:
        wrong = [value for value in values if '=' not in value]
        if wrong:
            parser.error(
                f'{option_string} {wrong[0]}: write KEY=VALUE, such '
                'as train_cfg.max_epochs=2, without spaces'
            )
        super().__call__(parser, namespace, values, option_string)


def inner_configs(dataset: dict) -> Iterator[dict]:
    """Yield the configs of the data sets that wrappers, at any depth, hold.

    Args:
        dataset (dict): Config of a wrapper (``dataset`` or ``datasets``, as
            of ConcatDataset, RepeatDataset, ClassBalancedDataset), or of a
            data set, which is yielded itself.
    """
    if 'datasets' in dataset:
        for each in dataset['datasets']:
            yield from inner_configs(each)
    elif 'dataset' in dataset:
        yield from inner_configs(dataset['dataset'])
    else:
        yield dataset


def message_of(error: BaseException) -> str:
    """The sentence of an error, without a traceback.

    torch packs the traceback of a process that loads data into the message.

    Args:
        error (BaseException): What was raised.

    Returns:
        str: One line.
    """
    text = error.args[0] if isinstance(error, KeyError) else error
    last = str(text).strip().split('\n')[-1]
    if 'in DataLoader worker' in str(text):
        last = last.partition(': ')[2] or last
    return last


def check_checkpoint(path: str) -> None:
    """Refuse a checkpoint that is not there, before anything is built.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'{path}: no such checkpoint; tools/train.py writes them to '
            'work_dirs/NAME/epoch_N.pth'
        )


def read_config(path: str, options: Optional[dict] = None) -> Config:
    """Read a config and override entries of it.

    Args:
        path (str): Its path.
        options (dict, optional): Entries by key, nested by dots.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'{path}: no such config; give the path of one, such as '
            'configs/clhoi_r18_mini.py'
        )
    cfg = Config.fromfile(path)
    if options:
        cfg.merge_from_dict(options)
    return cfg
