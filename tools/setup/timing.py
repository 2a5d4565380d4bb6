#!/usr/bin/env python3
"""Durations of several steps; standard library only.

python3 tools/setup/timing.py FILE NAME COMMAND...   run and record
python3 tools/setup/timing.py FILE                   print the record
"""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List


class Timing:
    """Sum of seconds by step."""

    def __init__(self) -> None:
        self.seconds: Dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.add(name, time.monotonic() - start)

    def lines(self) -> List[str]:
        """Format one line per step, and the sum."""
        steps = [*self.seconds.items(), ('in all', sum(self.seconds.values()))]
        return [f'{seconds:7.1f} s  {name}' for name, seconds in steps]


def main(file: str, name: str = '', *command: str) -> int:
    path = Path(file)
    timing, code = Timing(), 0
    if command:
        with timing.step(name):
            code = subprocess.run(command).returncode
        with path.open('a') as notes:
            notes.write(f'{timing.seconds[name]}\t{name}\n')
    elif path.exists():
        for line in path.read_text().splitlines():
            seconds, _, name = line.partition('\t')
            timing.add(name, float(seconds))
        print('\n'.join(timing.lines()))
    return code


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
