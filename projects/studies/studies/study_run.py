import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from mmengine.config import Config


def predictions_file(test: str = '') -> str:
    """Name the file of a test's predictions.

    Args:
        test (str): Name of a further test. Defaults to '', the first.
    """
    return f'predictions{"_" * bool(test)}{test}.npz'


@dataclass(frozen=True)
class StudyRun:
    """Run of a study's row with one seed.

    Attributes:
        row (str): Name of the row.
        seed (int): The seed.
        cfg (Config): The run's complete config.
        trained (bool): Whether it is trained before it is tested.
    """

    row: str
    seed: int
    cfg: Config
    trained: bool

    @cached_property
    def key(self) -> str:
        """Hash of the config, which identifies the result."""
        text = json.dumps(self.cfg.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """Name of the run's files."""
        return f'{self.row}-{self.seed}-{self.key}'
