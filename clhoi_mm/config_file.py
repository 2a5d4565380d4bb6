"""What tools share about configs and checkpoints; needs mmengine alone."""

import argparse
import os.path as osp
from typing import Any, ClassVar, Optional, Sequence, Union

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


class FormattedOnce(Config):
    """Config whose text is laid out by yapf once as long as it is the same.

    mmengine's runner asks for the text as it begins, several times, and for
    each checkpoint; yapf takes half a second for it.
    """

    _texts: ClassVar[dict[str, str]] = {}

    @classmethod
    def of(cls, cfg: Config) -> 'FormattedOnce':
        """The same config, formatted once.

        Args:
            cfg (Config): As mmengine reads it.
        """
        own = cls.__new__(cls)
        own.__setstate__(cfg.__getstate__())
        return own

    @property
    def pretty_text(self) -> str:
        """Formatted Python source."""
        content = repr(self._cfg_dict)
        if content not in self._texts:
            self._texts.clear()
            self._texts[content] = super().pretty_text
        return self._texts[content]


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
    cfg = FormattedOnce.of(Config.fromfile(path))
    if options:
        cfg.merge_from_dict(options)
    return cfg
