"""Progress display of long commands; standard library only."""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union


def clock(seconds: float) -> str:
    return '%d:%02d elapsed' % divmod(int(seconds), 60)


def bar(done: int, total: int) -> str:
    return '[' + ('#' * (20 * done // total)).ljust(20, '.') + ']'


class NinjaMeter:
    """Progress of a compilation by ninja's output."""

    pattern = re.compile(r'^\s*\[(\d+)/(\d+)\]')

    def __init__(self) -> None:
        self.done = self.total = 0

    def feed(self, line: str) -> None:
        found = self.pattern.match(line)
        if found:
            self.done, self.total = map(int, found.groups())

    def show(self, seconds: float) -> str:
        """One line of at most 79 characters."""
        if not self.total:
            return f'  preparing, {clock(seconds)}'
        return (
            f'  {bar(self.done, self.total)} {self.done}/{self.total} files '
            f'compiled, {clock(seconds)}'
        )


class PipMeter:
    """Progress of an installation by pip's output.

    Args:
        total (int): Number of requested packages.
    """

    download = re.compile(r'^\s*Downloading .*\((\d+(?:\.\d+)?) (\w+)\)')
    units = {'bytes': 1e-6, 'kB': 1e-3, 'MB': 1.0, 'GB': 1e3}

    def __init__(self, total: int) -> None:
        self.total = total
        self.found = 0
        self.megabytes = 0.0
        self.unpacking_since: Optional[float] = None

    def feed(self, line: str) -> None:
        if line.startswith(('Collecting ', 'Processing ', 'Requirement alr')):
            self.found += 1
            self.total = max(self.total, self.found)  # with dependencies
        elif line.startswith('Installing collected packages'):
            self.unpacking_since = time.monotonic()
        else:
            found = self.download.match(line)
            if found:
                scale = self.units.get(found.group(2), 0.0)
                self.megabytes += float(found.group(1)) * scale

    def show(self, seconds: float) -> str:
        """One line of at most 79 characters."""
        what = f'{self.found}/{self.total} packages'
        if self.unpacking_since:
            return f'  unpacking {what}, {clock(seconds)}'
        return (
            f'  {bar(self.found, max(1, self.total))} {what} '
            f'({self.megabytes:,.0f} MB), {clock(seconds)}'
        )


def run_with_progress(
    command: List[str],
    env: Dict[str, str],
    log: Path,
    meter: Union[NinjaMeter, PipMeter],
    interval: Optional[float] = None,
) -> Tuple[int, str]:
    """Run a command, log its output and show its progress.

    Args:
        command (list[str]): The command.
        env (dict): Its environment variables.
        log (Path): File for its output, as far as the disk has space.
        meter (NinjaMeter | PipMeter): Parser of the output.
        interval (float, optional): Seconds between updates. Defaults to 1 on
            a terminal, where the line is overwritten, else to 15.

    Returns:
        tuple[int, str]: Exit code and output of the command.
    """
    start = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    live = sys.stdout.isatty()
    interval = interval or (1 if live else 15)

    def show(end: str = '\n') -> None:
        line = meter.show(time.monotonic() - start)
        print(f'\r{line.ljust(79)}' if live else line, end=end, flush=True)

    process = subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors='replace',
    )

    output: List[str] = []

    def read() -> None:
        for line in process.stdout:
            meter.feed(line)
            output.append(line)
            try:
                with log.open('a', errors='replace') as file:
                    file.write(line)
            except OSError:  # the command itself reports a full disk
                pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        while True:
            reader.join(interval)
            if not reader.is_alive():
                break
            show('' if live else '\n')
        process.wait()
    except BaseException:
        process.terminate()
        raise
    show()
    return process.returncode, ''.join(output)
