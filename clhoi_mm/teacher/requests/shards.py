import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Part of the images, by a hash of their ids.

    Which part an image is in depends on its id and the number of parts
    alone: machines need not talk, and images may be added later.

    Attributes:
        index (int): Which part, from 0.
        count (int): Number of parts.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(
                f'shard {self.index}/{self.count}: give i/n with 0 <= i < n'
            )

    @classmethod
    def parse(cls, text: str) -> 'Shard':
        """Read 'i/n'."""
        index, slash, count = text.partition('/')
        if not slash or not index.isdigit() or not count.isdigit():
            raise ValueError(f'shard {text!r}: give i/n, for example 0/8')
        return cls(int(index), int(count))

    def __contains__(self, image_id: str) -> bool:
        if self.count == 1:
            return True
        digest = hashlib.blake2b(
            image_id.encode('utf-8', 'surrogatepass'), digest_size=8
        ).digest()
        return int.from_bytes(digest, 'little') % self.count == self.index

    def __str__(self) -> str:
        return f'{self.index:05d}-of-{self.count:05d}'
