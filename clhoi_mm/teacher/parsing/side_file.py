import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Optional, TextIO, Union

from clhoi_mm.utils.files import atomic_path


class SideFile:
    """JSONL file of a stage's skipped input.

    Written as a whole when the block succeeds. Without a record there is no
    file, and one of an earlier run goes.

    Args:
        path (str | PathLike): The file.
    """

    def __init__(self, path: Union[str, os.PathLike]) -> None:
        self.path = Path(path)
        self._stack = ExitStack()
        self._file: Optional[TextIO] = None

    def __enter__(self) -> 'SideFile':
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)
        if self._file is None and error[0] is None:
            self.path.unlink(missing_ok=True)

    def add(self, **record: Any) -> None:
        """Append a record in ASCII, which holds half surrogate pairs."""
        if self._file is None:
            temp = self._stack.enter_context(atomic_path(self.path))
            self._file = self._stack.enter_context(
                open(temp, 'w', encoding='ascii')
            )
        self._file.write(json.dumps(record) + '\n')
