import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union


@contextmanager
def atomic_path(path: Union[str, os.PathLike]) -> Iterator[Path]:
    """Give a temporary path that replaces ``path`` when the block succeeds.

    Whoever reads ``path`` sees the old file or the whole new one, also after
    a crash. An exception in the block leaves ``path`` as it was.

    Args:
        path (str | PathLike): The file to write; its folder is made.

    Yields:
        Path: Where the block writes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = os.umask(0)
    os.umask(mask)
    handle, name = tempfile.mkstemp(
        prefix=f'.{path.name}.', suffix='.tmp', dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        # The writer may have put a new file in place of the empty one.
        os.chmod(name, 0o666 & ~mask)
        with open(name, 'rb') as file:
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise
