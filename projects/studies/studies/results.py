import fcntl
import json
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Iterator, Optional, Union

from clhoi_mm.utils.files import atomic_path

from .study_run import StudyRun


class Results:
    """Results of runs, a JSON file each.

    A file holds metrics by name, among them ``train_seconds``, ``seconds``
    and ``cpu_seconds``. Its name ends in the key of the run's config; delete
    it to have the run done anew, as when data or code have changed.

    Args:
        folder (str | Path): Where they are.
    """

    def __init__(self, folder: Union[str, Path]) -> None:
        self.folder = Path(folder)

    def find(self, run: StudyRun) -> Optional[dict]:
        """A run's metrics, or those of another row's with the same config.

        Args:
            run (StudyRun): The run.

        Returns:
            dict, optional: Metrics by name; None if there are none yet.

        Raises:
            ValueError: A file was damaged.
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
        """Write metrics, all or none.

        Args:
            path (str | Path): As :meth:`path` gives it.
            metrics (dict): Numbers by name.
        """
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(metrics, indent=1) + '\n')

    def lock(self, key: str) -> Optional[IO]:
        """Acquire a lock unless another process has it.

        Args:
            key (str): What it is.

        Returns:
            IO, optional: A file that holds the lock until it is closed here
            and in all processes that inherit it; None if another has it.
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
        """Wait for the lock and hold it for the block.

        Args:
            key (str): What it is.
        """
        with open(self._lock_path(key), 'w') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _lock_path(self, key: str) -> Path:
        folder = self.folder / 'locks'
        folder.mkdir(parents=True, exist_ok=True)
        return folder / key
