"""Settings of all tests: one thread, no network."""

import os

for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
    os.environ[name] = '1'
os.environ['HF_HUB_OFFLINE'] = '1'

from hypothesis import settings

# No deadline, for busy machines; examples are deterministic.
settings.register_profile('clhoi_mm', deadline=None, derandomize=True)
settings.load_profile('clhoi_mm')


def pytest_collection_modifyitems(items: list) -> None:
    """Run tests that start tools first, to balance workers."""
    items.sort(key=lambda item: 'test_tools' not in item.path.parts)
