"""Functions of the tools for configs and checkpoints; mmengine only."""

import argparse
import copy
import inspect
import os.path as osp
import re
import traceback
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, ClassVar, Iterator, List, Optional, Sequence, Union

import mmengine.registry
from mmengine.config import Config, ConfigDict, DictAction
from mmengine.registry import Registry

from clhoi_mm.utils.errors import InputError
from clhoi_mm.utils.image_reader import UnreadableImage

# Where mmengine builds what a config names.
_BUILDER = osp.join('mmengine', 'registry', 'build_functions.py')


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


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options`` to a tool's command line."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        help='override config entries: key=value, nested by dots',
    )


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


def inner_configs(dataset: dict) -> Iterator[ConfigDict]:
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
    if 'in DataLoader worker' in str(text):
        last = str(text).strip().split('\n')[-1]
        return last.partition(': ')[2] or last
    return ' '.join(str(text).split())


class UnreadableCheckpoint(ValueError):
    """A file that is no checkpoint, is damaged, or holds more than data."""


@contextmanager
def say_errors(tool: str) -> Iterator[None]:
    """End a tool with one sentence where the user can mend what went wrong.

    These are missing files, input that does not fit, unreadable images and
    checkpoints, and configs that name what there is not.

    Args:
        tool (str): The tool's name, which begins the sentence.

    Raises:
        SystemExit: With the sentence, in place of such an error.
    """
    try:
        yield
    except (
        FileNotFoundError,
        InputError,
        UnreadableImage,
        UnreadableCheckpoint,
    ) as error:
        raise SystemExit(f'{tool}: {message_of(error)}') from None
    except (KeyError, TypeError) as error:
        mistake = config_mistake(error)
        if mistake is None:
            raise
        raise SystemExit(f'{tool}: {mistake}') from None


def config_mistake(error: Exception) -> Optional[str]:
    """The sentence for an error of a config that names what there is not.

    Args:
        error (Exception): What was raised.

    Returns:
        str, optional: None where it is another error.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not frames[-1].filename.endswith(_BUILDER):
        return None
    text = message_of(error)
    option = re.match(
        r"(\S+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", text
    )
    if option:
        return _option_mistake(error, *option.groups())
    unknown = re.match(r'(\S+) is not in the (.+?) registry', text)
    if not unknown:
        return f'the config does not fit: {text}'
    name, registry = unknown.groups()
    registry = registry.split('::')[-1]
    near = _near_names(name, _names(registry))
    hint = f'did you mean {" or ".join(map(repr, near))}?'
    return (
        f"the config's type={name!r} is no {registry} that is known here; "
        + (hint if near else 'check its spelling')
    )


def _near_names(name: str, known: List[str]) -> List[str]:
    """Find names of the same kind, which the last word tells, or alike."""
    kind = re.search('[A-Z][a-z]+$', name)
    same = [each for each in known if kind and each.endswith(kind[0])]
    return get_close_matches(name, same, 2, 0.4) or get_close_matches(
        name, known, 1
    )


def _option_mistake(error: Exception, name: str, option: str) -> str:
    """Name the options of a class that was given an unknown one."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    known = list(inspect.signature(frame.f_locals['obj_cls']).parameters)
    near = get_close_matches(option, known, 1)
    return (
        f'the config does not fit: {name} has no option {option!r}; '
        + (f'did you mean {near[0]!r}? ' if near else '')
        + f'options: {", ".join(known)}'
    )


def _names(registry: str) -> List[str]:
    """Return the names in mmengine's registry and those below it."""
    below = [
        value
        for value in vars(mmengine.registry).values()
        if isinstance(value, Registry) and value.name == registry
    ]
    names = []
    while below:
        found = below.pop()
        names += found.module_dict
        below += found.children.values()
    return names


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
        merge_options(cfg, options)
    return cfg


def merge_options(cfg: Config, options: dict) -> None:
    """Override entries of a config, members of lists addressed by type.

    ``custom_hooks.DistillStageHook.context_epochs`` is an entry of the one
    member of ``custom_hooks`` whose ``type`` is DistillStageHook.

    Args:
        cfg (Config): Is changed.
        options (dict): Entries by key, nested by dots. Are not changed.

    Raises:
        InputError: A list has no member of that type, or several; or a key
            leads into an entry that holds no others, such as None.
    """
    cfg.merge_from_dict(
        {
            resolve_key(cfg, key): copy.deepcopy(value)
            for key, value in options.items()
        }
    )


def resolve_key(cfg: Config, key: str) -> str:
    """Replace types of list members in a key by their indices.

    Args:
        cfg (Config): The config that the key addresses.
        key (str): Nested by dots.

    Returns:
        str: As mmengine reads it.

    Raises:
        InputError: A list has no member of that type, or several; or the key
            leads into an entry that holds no others, such as None.
    """
    node, names = cfg, []
    for name in key.split('.'):
        if not isinstance(node, (dict, Config, list, tuple)):
            place = '.'.join(names)
            raise InputError(
                f'{key}: {place} is {node!r} in the config, not a dict; in a '
                'config of your own, give it a dict with _delete_=True'
            )
        if isinstance(node, (list, tuple)) and not name.isdigit():
            types = [
                each.get('type') if isinstance(each, dict) else None
                for each in node
            ]
            if types.count(name) != 1:
                place = '.'.join(names)
                number = types.count(name) or 'no'
                raise InputError(
                    f'{key}: {place} has {number} members of type {name}; '
                    f'it holds {", ".join(map(str, types))}: give a type '
                    'that is there once, or an index from 0'
                )
            name = str(types.index(name))
        names.append(name)
        node = _member(node, name)
    return '.'.join(names)


def _member(node: Any, name: str) -> Any:
    """An entry of a dict or a member of a list, {} where there is none."""
    if isinstance(node, (dict, Config)):
        return node.get(name, {})
    return node[int(name)] if int(name) < len(node) else {}
