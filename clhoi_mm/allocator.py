"""Keeps glibc from giving memory back after every tensor.

By default glibc maps each large tensor anew and unmaps it when it is freed,
so that every layer of a detector pays for page faults: docs/speed.md has
what that costs. Imports neither torch nor any mm* package.
"""

import ctypes
import os
import platform

# Parameters of mallopt, from glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD = 1 << 28


def configure_glibc_malloc() -> bool:
    """Let this process keep freed memory for the next tensors.

    It then holds as much memory as it once needed. Does nothing where glibc
    is not in charge or where the user has set its allocator's variables.
    For tools: a library leaves its process's allocator alone.

    Returns:
        bool: Whether memory is kept now.
    """
    if platform.libc_ver()[0] != 'glibc' or any(
        name.startswith('MALLOC_') for name in os.environ
    ):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # -1 becomes the largest size_t: memory at the heap's end stays, too.
    return all(
        [
            mallopt(M_MMAP_MAX, 0),
            mallopt(M_TRIM_THRESHOLD, -1),
            mallopt(M_TOP_PAD, TOP_PAD),
        ]
    )
