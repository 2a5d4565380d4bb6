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

from ..requests.images import load_request_image
from ..requests.messages import KINDS, Failure, Request, Response

if TYPE_CHECKING:
    import PIL.Image

Outcome = Union[Response, Failure]


class Backend:
    """Base class of VLLMs and other sources of answers.

    Attributes:
        model (str): Name of the model, stored with each answer.
        kinds (Tuple[str, ...]): Kinds of requests that it can answer.
        reads_images (bool): Whether it opens the images' files.
        source (str): File of its answers, where there is one.
        keys (Collection[str], optional): Keys of the file's images.
        notes (List[str]): Sentences about what was skipped or adapted.
        orientation (str): Orientation of images, 'upright' or 'stored'.
        max_side (int, optional): Longer images are scaled down to this many
            pixels.
        coordinates (str, optional): Convention of the boxes in its answers,
            where it is known; see :data:`CONVENTIONS`.
    """

    model: str
    kinds: Tuple[str, ...] = KINDS
    reads_images: bool = False
    source: str = ''
    keys: Optional[Collection[str]] = None
    notes: Sequence[str] = ()
    orientation: str = 'upright'
    max_side: Optional[int] = None
    coordinates: Optional[str] = None

    def note_outdated(self, folder: Union[str, os.PathLike]) -> List[str]:
        """Report stored answers that differ from the present ones.

        Args:
            folder (str | PathLike): The pass's folder.

        Returns:
            List[str]: A sentence or none; none where it is unknown.
        """
        return []

    def run(
        self, requests: Iterable[Request]
    ) -> Iterator[Tuple[Request, Outcome]]:
        """Answer requests, reading them as they are needed.

        By default one by one, by :meth:`respond`.

        Args:
            requests (Iterable[Request]): Requests, perhaps millions.

        Yields:
            Tuple[Request, Response | Failure]: Each request once, in any
            order.
        """
        for request in requests:
            yield request, self.respond(request)

    def respond(self, request: Request) -> Outcome:
        """Answer one request; needed where :meth:`run` is not overridden.

        Args:
            request (Request): The request.

        Returns:
            Response | Failure: Its outcome.
        """
        raise NotImplementedError


class BatchedBackend(Backend, ABC):
    """Base class of models that answer batches in this process.

    Images of the next batch are read while the model works on this one. A
    batch that fails as a whole is tried request by request, so that one
    bad image costs no other.

    Args:
        batch_size (int): Requests answered at once. Defaults to 8.
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
        self, requests: List[Request], images: List['PIL.Image.Image']
    ) -> List[Response]:
        """Answer a batch of one kind.

        Args:
            requests (List[Request]): n requests.
            images (List[PIL.Image.Image]): Their images, RGB.

        Returns:
            List[Response]: n answers.
        """

    def run(
        self, requests: Iterable[Request]
    ) -> Iterator[Tuple[Request, Outcome]]:
        """See :meth:`Backend.run`."""
        requests = iter(requests)
        with ThreadPoolExecutor(self.num_readers) as readers:
            ahead: Deque[Tuple[Request, Future]] = deque()

            def read_ahead() -> None:
                missing = 2 * self.batch_size - len(ahead)
                for request in islice(requests, missing):
                    ahead.append(
                        (
                            request,
                            readers.submit(
                                load_request_image,
                                request,
                                self.max_side,
                                self.orientation,
                            ),
                        )
                    )

            read_ahead()
            while ahead:
                batch, images = [], []
                while ahead and len(batch) < self.batch_size:
                    request, image = ahead.popleft()
                    try:
                        images.append(image.result())
                        batch.append(request)
                    except OSError as error:
                        yield request, unreadable(error)
                read_ahead()
                yield from zip(batch, self._try(batch, images))

    def _try(
        self, requests: List[Request], images: List['PIL.Image.Image']
    ) -> List[Outcome]:
        if not requests:
            return []
        try:
            return list(self.answer(requests, images))
        except Exception as error:
            # A model's error over an image may be of any type.
            if len(requests) == 1:
                return [_as_failure(error)]
        middle = len(requests) // 2
        return self._try(requests[:middle], images[:middle]) + self._try(
            requests[middle:], images[middle:]
        )


def unreadable(error: OSError) -> Failure:
    """Make the failure of an image that cannot be read."""
    return Failure('unreadable_image', str(error), about_image=True)


def _as_failure(error: Exception) -> Failure:
    name = type(error).__name__
    reason = 'out_of_memory' if name == 'OutOfMemoryError' else 'model_error'
    return Failure(reason, f'{name}: {error}'[:1000])
