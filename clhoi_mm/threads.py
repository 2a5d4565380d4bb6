"""Threads that fight for cores, said before it costs hours."""

import os
import sys

# libgomp's threads wait in loops unless one of these says otherwise.
PATIENT = ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')


def warn_of_busy_cores() -> None:
    """Warn where torch's threads have to share their cores with others.

    Threads of one operation wait for each other in loops. Where another
    process keeps one of their cores busy, an operation takes as long as that
    process's turn: twenty times as long and more.
    """
    import torch

    cores = len(os.sched_getaffinity(0))
    threads, busy = torch.get_num_threads(), os.getloadavg()[0]
    if (
        threads == 1
        or threads + busy < cores + 0.7
        or any(name in os.environ for name in PATIENT)
    ):
        return
    print(
        f'warning: torch computes with {threads} threads on {cores} cores, of '
        f'which others keep {busy:.1f} busy; threads that wait for each other '
        'may take twenty times as long: set OMP_NUM_THREADS='
        f'{max(1, int(cores - busy))}, or GOMP_SPINCOUNT=3000 as make does',
        file=sys.stderr,
    )
