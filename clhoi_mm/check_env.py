"""Check installed packages, and suggest a remedy for each problem.

    python -m clhoi_mm.check_env

The exit code is 1 if a required package is missing or incompatible. Versions
are read from modules, since the distributions of the two rows have different
names but the same import names.
"""

import importlib
import importlib.metadata
import importlib.util
import re
import sys
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Set, Tuple


@dataclass(frozen=True)
class Need:
    """Required versions of a module.

    Args:
        dist (str): Name of the distribution.
        lower (str): Minimum version.
        tested (str): Version in the lock file.
        below (str, optional): First incompatible version.
        optional (bool): Whether only some configs need the module.
        below_if (str, optional): Module that ``below`` depends on.
        why (str): Reason of ``below``.
    """

    dist: str
    lower: str
    tested: str
    below: Optional[str] = None
    below_if: Optional[str] = None
    optional: bool = False
    why: str = ''


@dataclass
class Found:
    """Installed packages.

    Args:
        versions (dict): ``__version__`` by import name.
        errors (dict): Import errors of installed modules by import name.
        dists (set): Names of installed distributions.
        python (tuple): Major and minor version of Python.
        operators (str): Implementation of mmcv's operators; '' if unknown.
        is_registered (bool): Whether mmdet's own tools find the operators of
            ``clhoi_mm.ops``.
    """

    versions: Dict[str, str] = field(default_factory=dict)
    errors: Dict[str, str] = field(default_factory=dict)
    dists: Set[str] = field(default_factory=set)
    python: Tuple[int, int] = (3, 11)
    operators: str = ''
    is_registered: bool = True


@dataclass(frozen=True)
class Problem:
    """Error or warning of the report."""

    error: bool
    text: str
    remedy: str

    def __str__(self) -> str:
        kind = 'error' if self.error else 'warning'
        return f'{kind}: {self.text}; {self.remedy}'


_COMMON = {
    'numpy': Need('numpy', '1.26', '2.3.5'),
    'PIL': Need('pillow', '10.1', '13.0.0'),
    'safetensors': Need('safetensors', '0.4.1', '0.8.0'),
    'pycocotools': Need('pycocotools', '2.0.7', '2.0.11'),
    'cv2': Need('opencv-python-headless', '4.5', '4.13.0.92'),
    'torch': Need('torch', '2.5', '2.14.1'),
    'torchvision': Need('torchvision', '0.20', '0.29.1'),
}
ROWS = {
    'onedl': {
        **_COMMON,
        'mmengine': Need('onedl-mmengine', '0.10.8', '0.10.12', below='1.0'),
        'mmcv': Need(
            'onedl-mmcv',
            '2.3.0',
            '2.3.6',
            below='2.4.0',
            why='mmdet and mmpretrain refuse it',
        ),
        'mmdet': Need('onedl-mmdetection', '3.4.0', '3.5.1', below='4.0'),
        'mmpretrain': Need(
            'onedl-mmpretrain', '1.3.0', '1.3.6', optional=True
        ),
        'transformers': Need(
            'transformers',
            '4.53',
            '4.57.6',
            below='5',
            below_if='mmpretrain',
            optional=True,
            why='mmpretrain is made for 4.x',
        ),
    },
    'openmmlab': {
        **_COMMON,
        'mmengine': Need('mmengine', '0.10.7', '0.10.7', below='1.0'),
        'mmcv': Need(
            'mmcv',
            '2.1.0',
            '2.1.0',
            below='2.2.0',
            why='mmdet 3.3.0 refuses it',
        ),
        'mmdet': Need('mmdet', '3.3.0', '3.3.0', below='4.0'),
        'mmpretrain': Need('mmpretrain', '1.2.0', '1.2.0', optional=True),
        'transformers': Need(
            'transformers',
            '4.41',
            '4.46.3',
            below='4.47',
            below_if='mmpretrain',
            optional=True,
            why='mmpretrain 1.2.0 does not import with it',
        ),
    },
}
# First and last Python of each row; mmcv 2.1.0 does not build on 3.13.
PYTHONS = {'onedl': ((3, 10), (3, 14)), 'openmmlab': ((3, 10), (3, 12))}
COMPILED = 'compiled'
STAND_IN = 'torchvision and torch (clhoi_mm.ops)'
_MM = ('mmengine', 'mmcv', 'mmdet', 'mmpretrain')
_MMDET = ('mmdet.models', 'mmdet.apis')


def parse_version(text: str) -> Tuple[int, ...]:
    """Parse a release number without trailing zeros.

    '2.12.1+cu130' gives (2, 12, 1), '2.0.0rc4' and '2.0' give (2,).
    """
    found = re.match(r'\s*v?(\d+(?:\.\d+)*)', text)
    release = [int(n) for n in found.group(1).split('.')] if found else []
    while release and release[-1] == 0:
        release.pop()
    return tuple(release)


def find_row(found: Found) -> Tuple[str, List[str]]:
    """Find the installed row.

    Args:
        found (Found): Installed packages.

    Returns:
        tuple[str, list[str]]: The row ('onedl' if neither is installed), and
        installed distributions of the other row.
    """
    dists = {
        row: [needs[m].dist for m in _MM if needs[m].dist in found.dists]
        for row, needs in ROWS.items()
    }
    if dists['onedl']:
        return 'onedl', dists['openmmlab']
    mmdet = parse_version(found.versions.get('mmdet', ''))
    if dists['openmmlab'] or () < mmdet < parse_version('3.4'):
        return 'openmmlab', []
    return 'onedl', []


def _remedy(need: Need) -> str:
    """Return a command that installs a compatible version."""
    # mmcv 2.1.0 is built with pkg_resources, which setuptools 81 removed.
    flag = '--build-constraint requirements/build-openmmlab.txt '
    return (
        f'run: pip install {flag if need.dist == "mmcv" else ""}'
        f'"{need.dist}>={need.lower},<={need.tested}"'
    )


def _check_module(name: str, need: Need, found: Found) -> Optional[Problem]:
    """Return the problem of one module, or None."""
    remedy = _remedy(need)
    version = found.versions.get(name)
    if version is None:
        if name in found.errors:
            return Problem(
                not need.optional,
                f'{name} does not import ({found.errors[name]})',
                remedy,
            )
        if need.optional:
            return None
        return Problem(True, f'{name} is missing', remedy)
    release = parse_version(version)
    if not release:
        return Problem(False, f'{name} states no version', remedy)
    if release < parse_version(need.lower):
        return Problem(
            True,
            f'{name} {version} is too old (at least {need.lower})',
            remedy,
        )
    refused = need.below and release >= parse_version(need.below)
    if refused and need.below_if in (None, *found.versions, *found.errors):
        reason = f', since {need.why}' if need.why else ''
        return Problem(
            True,
            f'{name} {version} does not fit (below {need.below}{reason})',
            remedy,
        )
    if release > parse_version(need.tested):
        return Problem(
            False,
            f'{name} {version} is newer than the tested {need.tested}',
            f'if anything breaks, {remedy}',
        )
    return None


def check(found: Found) -> List[Problem]:
    """Compare installed packages with the requirements.

    Args:
        found (Found): Installed packages.

    Returns:
        list[Problem]: Problems, errors first.
    """
    problems = []
    row, other_row_dists = find_row(found)
    needs = ROWS[row]
    first, last = PYTHONS[row]
    if not first <= found.python <= last:
        text = 'Python %d.%d is not one of %d.%d-%d.%d' % (
            found.python + first + last
        )
        problems.append(
            Problem(
                found.python < first,
                text,
                'run: make setup, with another one as PYTHON=python3.12',
            )
        )
    if other_row_dists:
        problems.append(
            Problem(
                True,
                'both rows are installed, and overwrite each other '
                f'({", ".join(other_row_dists)} beside onedl-*)',
                'make a new environment: make setup, or make setup '
                'ROW=openmmlab',
            )
        )
    for name, need in needs.items():
        problem = _check_module(name, need, found)
        if problem:
            problems.append(problem)
    if 'mmcv' in found.versions and 'mmcv.ops' in found.errors:
        problems.append(_broken_operators(needs['mmcv'], found))
    if found.operators == STAND_IN and not found.is_registered:
        problems.append(
            Problem(
                False,
                "mmdet's own tools do not find mmcv's operators, since "
                'clhoi_mm is not installed',
                'run in its folder: pip install --no-deps -e .',
            )
        )
    broken = [name for name in _MMDET if name in found.errors]
    if 'mmdet' in found.versions and broken:
        problems.append(
            Problem(
                True,
                f'{broken[0]} does not import ({found.errors[broken[0]]})',
                'install the named package, or make a new environment: '
                'make setup',
            )
        )
    if {'opencv-python', 'opencv-python-headless'} <= found.dists:
        problems.append(
            Problem(
                False,
                'opencv-python and opencv-python-headless share one folder',
                'run: pip uninstall -y opencv-python && pip install '
                '--force-reinstall --no-deps opencv-python-headless',
            )
        )
    return sorted(problems, key=lambda p: not p.error)


def _broken_operators(need: Need, found: Found) -> Problem:
    error = found.errors['mmcv.ops']
    if found.operators == COMPILED:
        remedy = (
            "take torchvision's instead: make setup OPS=torchvision, or pip "
            'install --no-cache-dir --force-reinstall --no-deps '
            f'{need.dist}=={found.versions["mmcv"]}'
        )
        return Problem(
            True, f"mmcv's compiled operators do not load ({error})", remedy
        )
    return Problem(
        True,
        f"mmcv's operators do not work ({error})",
        'they need torch and the torchvision that was made for it: '
        'make setup TORCH=lock',
    )


def _find_operators(found: Found) -> None:
    """Record mmcv's implementation of operators, and test it."""
    spec = None
    if 'mmcv' in found.versions:
        spec = importlib.util.find_spec('mmcv._ext')
    if spec is None:
        return
    is_stand_in = str(spec.origin).endswith('.py')
    found.operators = STAND_IN if is_stand_in else COMPILED
    found.is_registered = 'clhoi_mm_ops_finder' in sys.modules
    if 'mmcv.ops' in found.versions:
        try:
            _run_operators()
        except Exception as error:
            del found.versions['mmcv.ops']
            found.errors['mmcv.ops'] = _one_line(error)


def _run_operators() -> None:
    import torch
    from mmcv.ops import RoIAlign, nms

    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0]])
    kept = nms(boxes, torch.tensor([0.5, 0.9]), 0.5)[1]
    pooled = RoIAlign(2)(torch.ones(1, 1, 8, 8), torch.zeros(1, 5))
    if kept.tolist() != [1] or pooled.shape != (1, 1, 2, 2):
        raise RuntimeError('nms or RoIAlign give wrong results')


def probe() -> Found:
    """Import required modules; record versions and errors."""
    dists = {
        dist.metadata['Name'].lower().replace('_', '-'): dist.version
        for dist in importlib.metadata.distributions()
        if dist.metadata['Name']
    }
    found = Found(dists=set(dists), python=sys.version_info[:2])
    for name in (*ROWS['onedl'], 'mmcv.ops', *_MMDET):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name.split('.')[0]:
                found.errors[name] = _one_line(error)
        except Exception as error:  # assertions of mm*, missing libraries
            found.errors[name] = _one_line(error)
        else:
            # pycocotools has no __version__.
            found.versions[name] = getattr(
                module, '__version__', dists.get(name, '')
            )
    _find_operators(found)
    return found


def _one_line(error: Exception) -> str:
    lines = f'{type(error).__name__}: {error}'.strip().splitlines()
    return lines[0][:200]


def main() -> int:
    found = probe()
    problems = check(found)
    row = find_row(found)[0]
    names = [n for n in ROWS[row] if found.versions.get(n)]
    versions = ', '.join(f'{n} {found.versions[n]}' for n in names)
    print(f'clhoi_mm on row {row}: {versions}')
    if found.operators:
        print(f"mmcv's operators: {found.operators}")
    for problem in problems:
        print(problem)
    errors = sum(problem.error for problem in problems)
    print(
        'check_env: '
        + (f'{errors} to fix' if errors else 'all requirements are met')
    )
    return int(errors > 0)


if __name__ == '__main__':
    sys.exit(main())
