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

# Number of lines shown of a failed run's log.
LAST_LINES = 12


class _Started(NamedTuple):
    run: StudyRun
    process: subprocess.Popen
    lock: IO


class RunPool:
    """Pool of processes that execute a study's runs.

    Runs with a result are skipped; the pool waits for runs that another
    process has started. Each run has a folder ``NAME`` in the work dir with
    its config, its log ``run.log`` and the runner's files.

    Args:
        work_dir (str | Path): Work dir of the study.
        results (Results): Results of the runs.
        jobs (int): Number of parallel runs. Defaults to 1.
        report (Callable[[str], None]): Receives a line on each finished
            run. Defaults to print.
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
        """Execute runs; stop running processes when interrupted.

        Args:
            runs (Sequence[StudyRun]): The runs, with different configs.
            progress (Callable[[int, str], None]): Receives the number of
                runs finished since the last call, and the current runs.

        Returns:
            list[StudyRun]: Failed runs.
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
                    if not self._report(each):
                        failed.append(each.run)
                names = ', '.join(f'{s.run.row} {s.run.seed}' for s in started)
                # A finished run leaves a place for the next iteration.
                if not (names or ended):
                    names = 'others run the rest'
                progress(ended, names)
                if not ended:
                    time.sleep(0.2 if started else 1)
        finally:
            self._stop(started)
        return failed

    def _start(self, waiting: deque, started: list[_Started]) -> int:
        """Start waiting runs; return the number that have a result."""
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
                # Another process has finished it in the meantime.
                lock.close()
                done += 1
            elif lock is not None:
                started.append(_Started(run, self._launch(run, lock), lock))
            else:
                waiting.append(run)
        return done

    def _launch(self, run: StudyRun, lock: IO) -> subprocess.Popen:
        """Start the process of a run, which inherits the lock."""
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
        # Import the same code as in this process.
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

    def _report(self, ended: _Started) -> bool:
        """Report a finished run; return whether it succeeded."""
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
        """Terminate processes and their children."""
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
