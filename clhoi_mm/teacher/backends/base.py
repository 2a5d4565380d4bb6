import os
from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import (
    TYPE_CHECKING,
    Collection,
    Deque,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from ..requests.images import load_image
from ..requests.messages import KINDS, Failure, Request, Response

if TYPE_CHECKING:
    import PIL.Image

Outcome = Union[Response, Failure]


class Backend(ABC):
    """A VLLM, or what stands in for one.

    Attributes:
        model (str): Whose answers these are; noted with each of them.
        kinds (Tuple[str, ...]): The kinds of questions that it can answer.
        reads_images (bool): Whether it opens the images' files.
        source (str): The file that its answers are from, where there is one.
        keys (Collection[str], optional): Keys of the images that the file
            knows.
        notes (List[str]): What it passed over or adapted to, for people.
        orientation (str): How it reads images, 'upright' or 'stored'.
    """

    model: str
    kinds: Tuple[str, ...] = KINDS
    reads_images: bool = False
    source: str = ''
    keys: Optional[Collection[str]] = None
    notes: Sequence[str] = ()
    orientation: str = 'upright'

    def note_outdated(self, folder: Union[str, os.PathLike]) -> List[str]:
        """Note kept answers that differ from the answers of today.

        Args:
            folder (str | PathLike): The pass's folder.

        Returns:
            List[str]: A sentence or none; none where it cannot be told.
        """
        return []

    @abstractmethod
    def run(
        self, questions: Iterable[Request]
    ) -> Iterator[Tuple[Request, Outcome]]:
        """Answer questions, reading them as they are needed.

        Args:
            questions (Iterable[Request]): Perhaps millions.

        Yields:
            Tuple[Request, Reply | Failure]: Each question once, in any
            order.
        """


class BatchedBackend(Backend):
    """A model that answers many questions at once, in this process.

    Images of the next batch are read while the model works on this one. A
    batch that fails as a whole is tried question by question, so that one
    bad image costs no other.

    Args:
        batch_size (int): Questions answered at once. Defaults to 8.
        max_side (int, optional): Longer images are scaled down to this many
            pixels. Defaults to None.
        num_readers (int): Threads that read images. Defaults to 4.
    """

    reads_images = True

    def __init__(
        self,
        batch_size: int = 8,
        max_side: Optional[int] = None,
        num_readers: int = 4,
    ) -> None:
        if batch_size < 1 or num_readers < 1:
            raise ValueError(
                f'batch_size and num_readers must be 1 or more, '
                f'got {batch_size} and {num_readers}'
            )
        self.batch_size = batch_size
        self.max_side = max_side
        self.num_readers = num_readers

    @abstractmethod
    def answer(
        self, questions: List[Request], images: List['PIL.Image.Image']
    ) -> List[Response]:
        """Answer a batch, of one kind.

        Args:
            questions (List[Request]): n questions.
            images (List[PIL.Image.Image]): Their images, RGB.

        Returns:
            List[Response]: n answers.
        """

    def run(
        self, questions: Iterable[Request]
    ) -> Iterator[Tuple[Request, Outcome]]:
        """See :meth:`Backend.run`."""
        questions = iter(questions)
        with ThreadPoolExecutor(self.num_readers) as readers:
            ahead: Deque[Tuple[Request, Future]] = deque()

            def read_ahead() -> None:
                missing = 2 * self.batch_size - len(ahead)
                for question in islice(questions, missing):
                    ahead.append(
                        (
                            question,
                            readers.submit(
                                load_image,
                                question.image_path,
                                self.max_side,
                                self.orientation,
                            ),
                        )
                    )

            read_ahead()
            while ahead:
                batch, images = [], []
                while ahead and len(batch) < self.batch_size:
                    question, image = ahead.popleft()
                    try:
                        images.append(image.result())
                        batch.append(question)
                    except OSError as error:
                        yield question, unreadable(error)
                read_ahead()
                yield from zip(batch, self._try(batch, images))

    def _try(
        self, questions: List[Request], images: List['PIL.Image.Image']
    ) -> List[Outcome]:
        if not questions:
            return []
        try:
            return list(self.answer(questions, images))
        except Exception as error:
            # Whatever a model raises over an image belongs in the record.
            if len(questions) == 1:
                return [_as_failure(error)]
        middle = len(questions) // 2
        return self._try(questions[:middle], images[:middle]) + self._try(
            questions[middle:], images[middle:]
        )


def unreadable(error: OSError) -> Failure:
    """The failure of an image that cannot be read."""
    return Failure('unreadable_image', str(error), about_image=True)


def _as_failure(error: Exception) -> Failure:
    name = type(error).__name__
    reason = 'out_of_memory' if name == 'OutOfMemoryError' else 'model_error'
    return Failure(reason, f'{name}: {error}'[:1000])
