"""Warning about more threads than free cores."""

import os

import pytest
import torch

from clhoi_mm.threads import PATIENT, warn_of_busy_cores


@pytest.mark.parametrize(
    'threads, busy, expected',
    [(2, 0.1, ''), (1, 1.9, ''), (2, 1.9, 'OMP_NUM_THREADS=1'),
     (4, 1.2, 'OMP_NUM_THREADS=2')],
)  # fmt: skip
def test_warning(monkeypatch, capsys, threads, busy, expected):
    cores = {0, 1} if threads < 4 else {0, 1, 2, 3}
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: cores)
    monkeypatch.setattr(os, 'getloadavg', lambda: (busy, 0.0, 0.0))
    monkeypatch.setattr(torch, 'get_num_threads', lambda: threads)
    for name in PATIENT:
        monkeypatch.delenv(name, raising=False)
    warn_of_busy_cores()
    printed = capsys.readouterr().err
    assert expected in printed and bool(printed) == bool(expected)
    assert printed.count('\n') <= 1
    # The Makefile sets this, so that waiting threads sleep.
    monkeypatch.setenv('GOMP_SPINCOUNT', '3000')
    warn_of_busy_cores()
    assert not capsys.readouterr().err
