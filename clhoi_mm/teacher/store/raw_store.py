import errno
import fcntl
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, Sequence, Set, Union

from ..parsing.answer_check import AnswerCheck
from ..requests.messages import Failure, Request, Response
from ..requests.shards import Shard

RAW, FAILURES = 'raw', 'failures'
_SYNC_SECONDS = 5.0


class RawStore:
    """Raw answers of a pass: append-only JSONL shards.

    One process writes a shard at a time, by a lock on the file.
    A line is written in one go; what a killed process left of one is cut
    off when the shard is opened again, so that all lines are whole.

    Args:
        folder (str | PathLike): The pass's folder; made if need be.
        kind (str): 'caption', 'list' or 'score'.
        shard (Shard): The part that this process writes. Defaults to all.

    Attributes:
        only_closes (bool): Whether the model's prompt opens its reasoning,
            as an answer with a closing mark alone shows.

    Raises:
        RuntimeError: Another process is writing this shard, or writes the
            same answers in shards of another number.
    """

    def __init__(
        self,
        folder: Union[str, os.PathLike],
        kind: str,
        shard: Shard = Shard(),
    ) -> None:
        self.folder = Path(folder)
        self.kind = kind
        self.shard = shard
        self.only_closes = False
        self._synced = time.monotonic()
        self._answers = self._open(RAW)
        self._failures = self._open(FAILURES)

    def __enter__(self) -> 'RawStore':
        return self

    def __exit__(self, *error: Any) -> None:
        for file in (self._answers, self._failures):
            os.fsync(file.fileno())
            file.close()

    def known(self, max_tokens: int) -> Set[int]:
        """Collect the answered requests of this shard.

        Args:
            max_tokens (int): Present limit of an answer. An answer that was
                cut off at a lower one counts as none, as do refusals and
                reasoning that does not end.

        Returns:
            Set[int]: :func:`request_id` of each.
        """
        known: Set[int] = set()
        unmarked: Set[int] = set()
        for row in read_records(self.folder, self.kind):
            if row.get('part'):
                continue
            check = AnswerCheck(self.kind, row['text'], row['finish'])
            self.only_closes = self.only_closes or check.only_closes
            cut_off = row['finish'] == 'length'
            if (
                row['image_id'] not in self.shard
                or (cut_off and row['max_tokens'] < max_tokens)
                or check.problem is not None
            ):
                continue
            name = request_id(row['image_id'], row['question'])
            (unmarked if check.is_cut_unmarked else known).add(name)
        return known if self.only_closes else known | unmarked

    def add(self, request: Request, response: Response, model: str) -> None:
        """Append an answer.

        Args:
            request (Request): The request.
            response (Response): Its response.
            model (str): The model's name.

        Raises:
            OSError: The disk is full or failed; the shard's lines are whole.
        """
        prompt = request.prompt
        row = dict(
            image_id=request.image_id,
            kind=self.kind,
            text=response.text,
            finish=response.finish,
            model=model,
            prompt_hash=prompt.template_hash,
            question=prompt.digest,
            max_tokens=prompt.max_tokens,
            tokens_in=response.tokens_in,
            tokens_out=response.tokens_out,
            time=round(time.time(), 3),
        )
        if prompt.verb is not None:
            row.update(
                verb=prompt.verb, object=prompt.object, score=response.score
            )
        if prompt.scene is not None:
            row.update(scene=prompt.scene.to_dict())
        # The answer itself comes last: with it the others are known.
        for part, text in enumerate(response.more, 1):
            self._write(self._answers, dict(row, text=text, part=part))
        self._write(self._answers, row)

    def add_failure(self, request: Request, failure: Failure) -> None:
        """Append a failure; the request stays open."""
        self._write(
            self._failures,
            dict(
                image_id=request.image_id,
                kind=self.kind,
                question=request.prompt.digest,
                reason=failure.reason,
                message=failure.message,
                time=round(time.time(), 3),
            ),
        )

    def _write(self, file: BinaryIO, row: Dict[str, Any]) -> None:
        # ASCII, since a model may emit half of a surrogate pair.
        data = json.dumps(row).encode() + b'\n'
        start = file.tell()
        try:
            file.write(data)
            file.flush()
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            file.truncate(start)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise OSError(
                error.errno,
                f'{file.name}: {error.strerror}; '
                + ('free some space and ' if full else '')
                + 'run the same command again, which goes on from here',
            ) from error

    def _open(self, part: str) -> BinaryIO:
        path = self.folder / part / f'{self.kind}-{self.shard}.jsonl'
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what a write call took survives a kill.
        file = open(path, 'ab', buffering=0)
        self._lock(file, fcntl.LOCK_EX)
        if part == RAW:
            self._refuse_other_counts(path)
        _cut_torn_line(path)
        file.seek(0, os.SEEK_END)
        return file

    def _refuse_other_counts(self, path: Path) -> None:
        suffix = f'-of-{self.shard.count:05d}.jsonl'
        for other in path.parent.glob(f'{self.kind}-*.jsonl'):
            if not other.name.endswith(suffix):
                with open(other, 'rb') as file:
                    self._lock(file, fcntl.LOCK_SH)

    @staticmethod
    def _lock(file: BinaryIO, how: int) -> None:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeError(
                f'{file.name}: another process is writing it; give every '
                f'process its own --shard i/n with the same n'
            ) from error


def request_id(image_id: str, digest: str) -> int:
    """Hash a request to 64 bits; a pass holds millions."""
    text = f'{digest}{image_id}'.encode('utf-8', 'surrogatepass')
    digest_bytes = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest_bytes, 'little')


def read_records(
    folder: Union[str, os.PathLike],
    kind: str,
    part: str = RAW,
    fields: Sequence[str] = ('image_id', 'question'),
) -> Iterator[Dict[str, Any]]:
    """Read the records of one kind over all shards.

    A last line that is being written, or was torn, is skipped.

    Args:
        folder (str | PathLike): The pass's folder.
        kind (str): 'caption', 'list' or 'score'.
        part (str): 'raw' or 'failures'. Defaults to 'raw'.
        fields (Sequence[str]): Fields that every record must have.

    Yields:
        dict: A record.

    Raises:
        ValueError: A line is damaged; the message names it.
    """
    for path in shard_files(folder, kind, part):
        with open(path, 'rb') as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b'\n'):
                    break
                try:
                    row = json.loads(line)
                    for name in fields:
                        row[name]
                except (ValueError, KeyError, TypeError) as error:
                    raise ValueError(
                        f'{path}, line {number}: damaged ({error!r}); '
                        f'delete the line, and the next run requests its '
                        f'answer again'
                    ) from error
                yield row


def shard_files(
    folder: Union[str, os.PathLike], kind: str, part: str = RAW
) -> List[Path]:
    """List the shards of one kind, sorted by name."""
    return sorted(Path(folder, part).glob(f'{kind}-*.jsonl'))


def _cut_torn_line(path: Path) -> None:
    with open(path, 'r+b') as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b'\n')
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        file.truncate(end)
