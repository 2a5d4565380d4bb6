"""Reads the lock files. Standard library only."""

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
    """'3.10' as (3, 10), to be compared."""
    return tuple(int(n) for n in re.findall(r'\d+', version.split('+')[0]))


def read_lock(
    path: Path, python: Optional[Tuple[int, ...]] = None
) -> Dict[str, str]:
    """Pins of one lock file for one Python.

    Args:
        path (Path): The file; a pin a line, in the forms ``name==1.2`` and
            ``name==1.2; python_version < "3.11"`` (or ``>=``).
        python (tuple, optional): Major and minor version of the Python.
            Defaults to the running one.

    Returns:
        dict: 'name==version' by name.

    Raises:
        ValueError: A line has another form, or a name is pinned twice.
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
