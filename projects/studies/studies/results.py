import fcntl
import json
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Iterator, Optional, Union

from clhoi_mm.utils.files import atomic_path

from .study_run import StudyRun


class Results:
    """JSON files with the metrics of runs.

    Metrics include ``train_seconds``, ``seconds`` and ``cpu_seconds``. A
    file's name ends in the key of the run's config; delete it to repeat the
    run, for example after a change of data or code.

    Args:
        folder (str | Path): Folder of the files.
    """

    def __init__(self, folder: Union[str, Path]) -> None:
        self.folder = Path(folder)

    def find(self, run: StudyRun) -> Optional[dict]:
        """Read the metrics of a run with the same config.

        Args:
            run (StudyRun): The run.

        Returns:
            dict, optional: Metrics by name; None if there is no result.

        Raises:
            ValueError: If the file is damaged.
        """
        for path in sorted(self.folder.glob(f'*-{run.key}.json')):
            try:
                return {
                    k: float(v)
                    for k, v in json.loads(path.read_text()).items()
                }
            except (ValueError, TypeError, AttributeError) as error:
                raise ValueError(
                    f'{path}: no metrics in it ({error}); '
                    'delete it, and run the study again'
                ) from error
        return None

    def path(self, run: StudyRun) -> Path:
        """Return the file of a run's metrics."""
        return self.folder / f'{run.name}.json'

    @staticmethod
    def write(path: Union[str, Path], metrics: dict) -> None:
        """Write metrics atomically.

        Args:
            path (str | Path): Path from :meth:`path`.
            metrics (dict): Metrics by name.
        """
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(metrics, indent=1) + '\n')

    def lock(self, key: str) -> Optional[IO]:
        """Acquire a lock unless another process has it.

        Args:
            key (str): Name of the lock.

        Returns:
            IO, optional: File that holds the lock until it is closed in all
            processes that inherit it; None if another process has it.
        """
        file = open(self._lock_path(key), 'w')
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    @contextmanager
    def exclusive(self, key: str) -> Iterator[None]:
        """Wait for a lock and hold it in the block.

        Args:
            key (str): Name of the lock.
        """
        with open(self._lock_path(key), 'w') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _lock_path(self, key: str) -> Path:
        folder = self.folder / 'locks'
        folder.mkdir(parents=True, exist_ok=True)
        return folder / key
