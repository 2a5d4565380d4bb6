import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import IO, Callable, NamedTuple, Sequence, Union

import clhoi_mm

from .results import Results
from .study_run import StudyRun

# Lines of a failed run's log that are shown.
LAST_LINES = 12


class _Started(NamedTuple):
    run: StudyRun
    process: subprocess.Popen
    lock: IO


class RunPool:
    """Runs of a study, several side by side, each a process of its own.

    What has a result is not run again. Other processes may run the same
    study at the same time: a run that one of them has begun is left to it.
    Each run has a folder ``NAME`` in the work dir with its config, its log
    ``run.log`` and what else the runner writes.

    Args:
        work_dir (str | Path): Of the study.
        results (Results): Where results are.
        jobs (int): Runs at once. Defaults to 1.
        report (Callable[[str], None]): Takes a line on each run that has
            ended. Defaults to print.
    """

    COMMAND = (sys.executable, '-m', 'studies.run_experiment')

    def __init__(
        self,
        work_dir: Union[str, Path],
        results: Results,
        jobs: int = 1,
        report: Callable[[str], None] = print,
    ) -> None:
        self.work_dir = Path(work_dir)
        self.results = results
        self.jobs = jobs
        self.report = report

    def run(
        self, runs: Sequence[StudyRun], progress: Callable[[int, str], None]
    ) -> list[StudyRun]:
        """Do what is not done yet. If interrupted, ends what is going on.

        Args:
            runs (Sequence[StudyRun]): The runs, no config twice.
            progress (Callable[[int, str], None]): Takes how many have ended
                since it was last called, and what is going on.

        Returns:
            list[StudyRun]: Those that failed.
        """
        waiting = deque(runs)
        started: list[_Started] = []
        failed = []
        try:
            while waiting or started:
                ended = self._start(waiting, started)
                for each in [
                    s for s in started if s.process.poll() is not None
                ]:
                    started.remove(each)
                    each.lock.close()
                    ended += 1
                    if not self._tell(each):
                        failed.append(each.run)
                names = ', '.join(f'{s.run.row} {s.run.seed}' for s in started)
                # A place may have become free this very moment.
                if not (names or ended):
                    names = 'others run the rest'
                progress(ended, names)
                if not ended:
                    time.sleep(0.2 if started else 1)
        finally:
            self._stop(started)
        return failed

    def _start(self, waiting: deque, started: list[_Started]) -> int:
        """Fill the free places; tell how many need not be run after all."""
        done = 0
        if len(started) == self.jobs:
            return done
        for _ in range(len(waiting)):
            run = waiting.popleft()
            if self.results.find(run) is not None:
                done += 1
                continue
            lock = None
            if len(started) < self.jobs:
                lock = self.results.lock(run.key)
            if lock is not None and self.results.find(run) is not None:
                # Another process has ended it in the meantime.
                lock.close()
                done += 1
            elif lock is not None:
                started.append(_Started(run, self._launch(run, lock), lock))
            else:
                waiting.append(run)
        return done

    def _launch(self, run: StudyRun, lock: IO) -> subprocess.Popen:
        """Start a run, whose process holds the lock until it ends."""
        folder = self.work_dir / run.name
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / 'config.py'
        run.cfg.dump(config)
        command = [
            *self.COMMAND,
            str(config),
            str(self.results.path(run)),
            '--key',
            run.key,
            *(['--train'] if run.trained else []),
        ]
        threads = max(1, len(os.sched_getaffinity(0)) // self.jobs)
        env = dict({'OMP_NUM_THREADS': str(threads)}, **os.environ)
        # The code that runs is the code that asks.
        env['PYTHONPATH'] = os.pathsep.join(
            filter(
                None,
                [
                    str(Path(clhoi_mm.__file__).parents[1]),
                    str(Path(__file__).parents[1]),
                    env.get('PYTHONPATH'),
                ],
            )
        )
        with open(folder / 'run.log', 'w') as log:
            return subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )

    def _tell(self, ended: _Started) -> bool:
        """Say how a run has ended, and whether well."""
        run, code = ended.run, ended.process.returncode
        found = self.results.find(run) if code == 0 else None
        log = self.work_dir / run.name / 'run.log'
        if found is not None:
            trained = (
                f'trained in {found["train_seconds"]:.0f} s, '
                if 'train_seconds' in found
                else ''
            )
            self.report(
                f'{run.row}, seed {run.seed}: {trained}'
                f'{found["seconds"]:.0f} s in all, '
                f'{found["cpu_seconds"]:.0f} s of processor time'
            )
            return True
        lines = log.read_text(errors='replace').splitlines()
        how = f'exit code {code}' if code >= 0 else f'signal {-code}'
        title = f'{run.row}, seed {run.seed} FAILED ({how}); {log} ends with:'
        last = [f'    {line}' for line in lines[-LAST_LINES:]]
        self.report('\n'.join([title, *last]))
        return False

    @staticmethod
    def _stop(started: list[_Started]) -> None:
        """End processes, and all that they have started."""
        for signum, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            for each in started:
                if each.process.poll() is None:
                    os.killpg(each.process.pid, signum)
            end = time.monotonic() + seconds
            while (
                any(s.process.poll() is None for s in started)
                and time.monotonic() < end
            ):
                time.sleep(0.05)
        for each in started:
            each.lock.close()
