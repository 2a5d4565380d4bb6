import errno
import os
import shutil
import socket
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REMEDY = 'free some space and run the same command again'


@contextmanager
def atomic_path(path: Union[str, os.PathLike]) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` on success.

    Readers of ``path`` see the old file or the whole new one, also after a
    crash. An exception in the block leaves ``path`` as it was. Temporary
    files of processes that were killed are removed.

    Args:
        path (str | PathLike): The file to write; its folder is made.

    Yields:
        Path: The path to write to.

    Raises:
        OSError: If the disk is full; the message states the remedy.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = os.umask(0)
    os.umask(mask)
    with _full_disk_named(path):
        handle, name = tempfile.mkstemp(
            prefix=_own_prefix(path.parent, f'.{path.name}.'),
            suffix='.tmp',
            dir=path.parent,
        )
        os.close(handle)
        try:
            yield Path(name)
            # The writer may have replaced the empty file by a new one.
            os.chmod(name, 0o666 & ~mask)
            with open(name, 'rb') as file:
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            if os.path.exists(name):
                os.unlink(name)
            raise


@contextmanager
def work_folder(path: Union[str, os.PathLike], what: str) -> Iterator[Path]:
    """Create a temporary folder that is removed after the block.

    Folders of processes that were killed are removed.

    Args:
        path (str | PathLike): Parent folder; created if needed.
        what (str): Part of the folder's name.

    Yields:
        Path: The folder.

    Raises:
        OSError: If the disk is full; the message states the remedy.
    """
    path = Path(path)
    with _full_disk_named(path):
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=_own_prefix(path, f'.{what}-'), dir=path
        ) as folder:
            yield Path(folder)


def _own_prefix(folder: Path, prefix: str) -> str:
    """Make a process's prefix; remove leftovers of dead processes."""
    own_prefix = f'{prefix}{_machine()}-'
    for path in folder.iterdir():
        if not path.name.startswith(own_prefix):
            continue
        process = path.name[len(own_prefix) :].partition('.')[0]
        if process.isdigit() and not _is_alive(int(process)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    return f'{own_prefix}{os.getpid()}.'


def _machine() -> str:
    """Identify the host and process namespace of process ids."""
    try:
        space = os.readlink('/proc/self/ns/pid')
    except OSError:
        space = ''
    return f'{zlib.crc32((socket.gethostname() + space).encode()):08x}'


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def _full_disk_named(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        code = getattr(error, 'errno', None)
        if type(error).__name__ == 'SafetensorError':
            # Its writer has the error number in the text only.
            code = next(
                (x for x in _FULL if f'os error {x})' in str(error)), None
            )
        if code not in _FULL or REMEDY in str(error):
            raise
        raise OSError(
            code,
            f'{path}: {os.strerror(code)}; what was there before is as '
            f'it was: {REMEDY}',
        ) from error
