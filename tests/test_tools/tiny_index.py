"""Tiny packages under the names that the set-up installs.

They make a set-up that takes seconds, offline, with real pip and real
environments: what pip does with torch or mmcv does not depend on their size.
"""

import hashlib
import importlib.metadata
import io
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Dict, Sequence

TORCH = """
import types
__version__ = {version!r}
version = types.SimpleNamespace(cuda=None)
def rand(*size):
    return size
zeros = rand
"""
# Like mmcv: an extension if the build finds torch, none otherwise.
MMCV_SETUP = """
from setuptools import setup
try:
    import torch
except ImportError:
    pass
else:
    with open('mmcv/_ext.so', 'w') as file:
        file.write(torch.__version__)
setup(name='onedl-mmcv', version='2.3.6', packages=['mmcv'],
      package_data={'mmcv': ['*.so']})
"""
# An extension loads only with the torch it was built for.
MMCV_OPS = """
import pathlib, torch
built = pathlib.Path(__file__).with_name('_ext.so')
if built.exists() and built.read_text() != torch.__version__:
    raise ImportError('undefined symbol: built for ' + built.read_text())
def nms(*args):
    pass
def RoIAlign(size):
    return nms
"""


def write_wheel(
    folder: Path, name: str, version: str, requires: Sequence[str] = ()
) -> Path:
    """Write a wheel with one module that states its version."""
    module = name.replace('-', '_')
    text = TORCH if name == 'torch' else '__version__ = {version!r}\n'
    metadata = f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
    metadata += ''.join(f'Requires-Dist: {line}\n' for line in requires)
    return pack_wheel(
        folder,
        f'{module}-{version}',
        {
            f'{module}/__init__.py': text.format(version=version).encode(),
            f'{module}-{version}.dist-info/METADATA': metadata.encode(),
        },
    )


def pack_wheel(folder: Path, stem: str, files: Dict[str, bytes]) -> Path:
    info = f'{stem}.dist-info'
    wheel = b'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'
    files = {**files, f'{info}/WHEEL': wheel}
    record = [
        f'{name},sha256={digest(data)},{len(data)}'
        for name, data in files.items()
    ]
    files[f'{info}/RECORD'] = '\n'.join([*record, f'{info}/RECORD,,']).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f'{stem}-py3-none-any.whl'
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def digest(data: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(data).digest()).decode().strip('=')


def repack(folder: Path, name: str) -> str:
    """Pack an installed package as a wheel; return its version."""
    dist = importlib.metadata.distribution(name)
    files = {
        str(file): file.read_binary()
        for file in dist.files
        if not str(file).startswith('..')
        and file.suffix != '.pyc'
        and file.name not in ('INSTALLER', 'RECORD', 'WHEEL', 'REQUESTED')
    }
    pack_wheel(folder, f'{name}-{dist.version}', files)
    return dist.version


def write_mmcv(folder: Path) -> None:
    """Write a source distribution like mmcv's."""
    files = {
        'setup.py': MMCV_SETUP,
        'mmcv/__init__.py': '',
        'mmcv/ops.py': MMCV_OPS,
        'PKG-INFO': 'Metadata-Version: 2.1\nName: onedl-mmcv\n'
        'Version: 2.3.6\n',
    }
    with tarfile.open(folder / 'onedl_mmcv-2.3.6.tar.gz', 'w:gz') as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f'onedl_mmcv-2.3.6/{name}')
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))


def write_index(folder: Path, wheels: Sequence[Path]) -> str:
    """Write a package index of some wheels; return its URL."""
    for wheel in wheels:
        page = folder / wheel.name.split('-')[0] / 'index.html'
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open('a') as file:
            file.write(f'<a href="{wheel.as_uri()}">{wheel.name}</a>\n')
    return folder.as_uri()
