"""Runs a compilation and shows how far it is. Standard library only."""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, Optional, Tuple

NINJA_LINE = re.compile(r'^\s*\[(\d+)/(\d+)\]')


def parse_step(line: str) -> Optional[Tuple[int, int]]:
    """(done, total) of one of ninja's lines, None for any other line."""
    found = NINJA_LINE.match(line)
    return (int(found.group(1)), int(found.group(2))) if found else None


def progress_line(done: int, total: int, seconds: float) -> str:
    """One line of at most 79 characters: a bar, a count, the time."""
    clock = '%d:%02d' % divmod(int(seconds), 60)
    if not total:
        return f'  preparing, {clock} elapsed'
    bar = ('#' * (30 * done // total)).ljust(30, '.')
    return f'  [{bar}] {done}/{total} files compiled, {clock} elapsed'


def run_with_progress(
    command: List[str],
    env: Dict[str, str],
    log: Path,
    interval: Optional[float] = None,
) -> int:
    """Runs a command whose output goes to a log, ninja's steps to the screen.

    Args:
        command (list[str]): The command.
        env (dict): Its environment variables.
        log (Path): Receives all of its output.
        interval (float, optional): Seconds between two lines of progress.
            Defaults to 1 on a terminal, where the line is rewritten in
            place, and to 15 elsewhere.

    Returns:
        int: The command's exit code.
    """
    start = time.monotonic()
    state = (0, 0)
    live = sys.stdout.isatty()
    interval = interval or (1 if live else 15)

    def show(end: str = '\n') -> None:
        line = progress_line(*state, time.monotonic() - start)
        print(f'\r{line.ljust(79)}' if live else line, end=end, flush=True)

    with (
        log.open('w', buffering=1) as file,
        subprocess.Popen(
            command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            errors='replace',
        ) as process,
    ):

        def read() -> None:
            nonlocal state
            for line in process.stdout:
                file.write(line)
                state = parse_step(line) or state

        reader = threading.Thread(target=read)
        reader.start()
        try:
            while True:
                reader.join(interval)
                if not reader.is_alive():
                    break
                show('' if live else '\n')
        except BaseException:
            process.terminate()
            raise
    show()
    return process.returncode
