"""Reader of lock files; standard library only."""

import operator
import re
import sys
from pathlib import Path
from typing import Dict, Optional, Tuple

PIN = re.compile(
    r'(?P<name>[\w.-]+)==(?P<version>[\w.+]+)'
    r'(?:; python_version (?P<compare><|>=) "(?P<bound>\d+\.\d+)")?$'
)
COMPARE = {'<': operator.lt, '>=': operator.ge}


def release(version: str) -> Tuple[int, ...]:
    """Convert '3.10' to (3, 10)."""
    return tuple(int(n) for n in re.findall(r'\d+', version.split('+')[0]))


def read_lock(
    path: Path, python: Optional[Tuple[int, ...]] = None
) -> Dict[str, str]:
    """Read a lock file's pins for a Python version.

    Args:
        path (Path): File with one pin per line, ``name==1.2`` or
            ``name==1.2; python_version < "3.11"`` (or ``>=``).
        python (tuple, optional): Major and minor version of Python.
            Defaults to the running version.

    Returns:
        dict[str, str]: 'name==version' by name.

    Raises:
        ValueError: If a line has another form or a name is pinned twice.
    """
    python = python or tuple(sys.version_info[:2])
    pins: Dict[str, str] = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith('#'):
            continue
        found = PIN.match(line)
        if not found:
            raise ValueError(f'{path}: "{line}" is no pin of this form')
        name, version, compare, bound = found.groups()
        if compare and not COMPARE[compare](python, release(bound)):
            continue
        if name in pins:
            raise ValueError(f'{path} pins {name} twice')
        pins[name] = f'{name}=={version}'
    return pins
