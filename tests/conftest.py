"""Small tests are fastest on one thread, and reach for no network."""

import os

for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
    os.environ[name] = '1'
os.environ['HF_HUB_OFFLINE'] = '1'

from hypothesis import settings

# A busy machine is no bug, and an example that fails once fails again.
settings.register_profile('clhoi_mm', deadline=None, derandomize=True)
settings.load_profile('clhoi_mm')
