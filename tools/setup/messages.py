"""Messages of the set-up, and explanations of pip's failures."""

import re
import sys
from typing import NoReturn

NO_INDEX = re.compile(
    r'Retry\(total=0|NewConnectionError|NameResolutionError'
    r'|Temporary failure in name resolution|Network is unreachable'
    r'|Max retries exceeded|ConnectTimeoutError|ReadTimeoutError'
    r'|ProxyError|ConnectionError'
)
CAUSES = (
    (
        re.compile(r'No space left on device|Disk quota exceeded'),
        'the disk is full; free some space (a new environment with CUDA '
        'takes 6 GB, one without 2 GB)',
    ),
    (
        re.compile(r'incomplete-download'),
        'a download broke off; check the network, and the free space where '
        'pip downloads to (TMPDIR, or /tmp)',
    ),
    (
        re.compile(r'CERTIFICATE_VERIFY_FAILED'),
        "the index's certificate is not trusted; give pip the right one with "
        'PIP_CERT=FILE',
    ),
    (
        NO_INDEX,
        'no package index answers; check the network, and what "pip config '
        'list" and PIP_INDEX_URL say',
    ),
    (
        re.compile(r'No matching distribution found for ([^\s(;]+)'),
        r'\1 is in none of the indexes of pip for this Python and '
        'machine; check "pip config list" and PIP_INDEX_URL',
    ),
    (
        re.compile(r'DO NOT MATCH THE HASHES'),
        'a download does not match its hash; a mirror or proxy may have '
        'changed or cut it',
    ),
)


def say(message: str) -> None:
    print(f'set-up: {message}', flush=True)  # in order with pip's own lines


def fail(message: str) -> NoReturn:
    sys.exit(f'set-up: {message}')


def explain(log: str) -> str:
    """Find the cause of pip's failure.

    Args:
        log (str): The whole output of pip.

    Returns:
        str: Cause and remedy of a known failure, else pip's errors.
    """
    for pattern, sentence in CAUSES:
        found = pattern.search(log)
        # pip continues if one of several indexes does not respond.
        if found and (pattern is not NO_INDEX or 'ERROR' in log):
            return found.expand(sentence)
    lines = [line.strip() for line in log.splitlines()]
    errors = [line for line in lines if 'error:' in line.lower()]
    return '\n'.join(errors[:8] or lines[-8:])
