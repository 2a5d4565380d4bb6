import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from mmengine.config import Config


@dataclass(frozen=True)
class StudyRun:
    """One row of a study with one seed.

    Attributes:
        row (str): Name of the row.
        seed (int): The seed.
        cfg (Config): All there is to know of the run.
        trained (bool): Whether it is trained before it is tested.
    """

    row: str
    seed: int
    cfg: Config
    trained: bool

    @cached_property
    def key(self) -> str:
        """A hash of the config: the same config need not be run again."""
        text = json.dumps(self.cfg.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """Names the run's files."""
        return f'{self.row}-{self.seed}-{self.key}'
