import os
import random
import re
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, Optional, Tuple

from ..requests.images import encode_image, load_request_image
from ..requests.messages import SCORE, Failure, Request
from .base import Backend, Outcome, unreadable
from .completion import NO_LOGPROBS, read_completion
from .registry import BACKENDS
from .request_parameters import RequestParameters, find_refused

# Retried: time-out, conflict, too many requests; also server errors.
_TRANSIENT = {408, 409, 429}
# Not adapted to: no such key or model.
_LASTING = {401, 404}
_CONTEXT = re.compile(
    r'context[ _](?:length|window|size)|maximum context', re.I
)
_CONTEXT_REMEDY = (
    "prompt, image and answer exceed the model's context; lower --max-tokens, "
    'or send smaller images with --options max_side=512'
)
_LONGEST_PAUSE = 60.0
# Parameters that one request may lose.
_MOST_ADAPTATIONS = 8


class _Retry(Exception):
    """Failure of an attempt that may succeed when repeated."""

    def __init__(self, reason: str, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.failure = Failure(reason, message[:1000])
        self.pause = pause


@BACKENDS.register_module('openai')
class OpenAIBackend(Backend):
    """Model behind an OpenAI-compatible endpoint, local or hosted.

    Args:
        model (str): The model's name at the endpoint.
        base_url (str): The endpoint. Defaults to vLLM's on this machine.
        api_key_env (str): Environment variable that holds the key; the key
            itself is never written anywhere. Defaults to 'OPENAI_API_KEY'.
        concurrency (int): Requests in flight. Defaults to 16.
        timeout (float): Seconds without a byte until a try is given up.
            Defaults to 120.
        retries (int): Tries after the first one. Defaults to 5.
        backoff (float): Seconds before the second try; they double from try
            to try, and a server's Retry-After counts where it is longer.
            Defaults to 1.
        requests_per_minute (float): Limit over all threads, 0 for none.
            Defaults to 0.
        structured (bool): Whether to request answers by JSON schema, which
            some endpoints lack. Defaults to True.
        max_side (int): Longer images are scaled down to this many pixels.
            Defaults to 1024.
        seed (int, optional): Sent along where given. Defaults to None.
        parameters (dict, optional): Further parameters of each request, or
            others in place of its own: ``{"temperature": null, "top_p":
            0.9}``; null leaves one out. Defaults to None.
        rename (dict, optional): Names of parameters at the endpoint:
            ``{"max_tokens": "max_completion_tokens"}``. Defaults to None.

    A parameter that the endpoint does not know or support is left out,
    renamed or bounded once for the run, with a line in the log.

    Raises:
        ImportError: requests is not installed.
    """

    reads_images = True

    def __init__(
        self,
        model: str,
        base_url: str = 'http://localhost:8000/v1',
        api_key_env: str = 'OPENAI_API_KEY',
        concurrency: int = 16,
        timeout: float = 120.0,
        retries: int = 5,
        backoff: float = 1.0,
        requests_per_minute: float = 0.0,
        structured: bool = True,
        max_side: Optional[int] = 1024,
        seed: Optional[int] = None,
        parameters: Optional[Dict[str, Any]] = None,
        rename: Optional[Dict[str, str]] = None,
    ) -> None:
        try:
            import requests
        except ImportError as error:
            raise ImportError(
                'backend "openai" needs requests; install it with pip '
                "install 'clhoi_mm[teacher]'"
            ) from error
        if concurrency < 1:
            raise ValueError(
                f'concurrency must be 1 or more, got {concurrency}'
            )
        self.model = model
        # Some hosts show the whole path, or want a version as a query.
        base, mark, query = base_url.partition('?')
        base = base.rstrip('/').removesuffix('/chat/completions')
        self.url = f'{base}/chat/completions{mark}{query}'
        self.concurrency = concurrency
        self.timeout = timeout
        self.retries = retries
        self.backoff = backoff
        self.structured = structured
        self.max_side = max_side
        self.seed = seed
        self._errors = requests.exceptions
        self._session = requests.Session()
        self._session.mount(
            'http', requests.adapters.HTTPAdapter(pool_maxsize=concurrency)
        )
        self._key = os.environ.get(api_key_env)
        if self._key:
            self._session.headers['Authorization'] = f'Bearer {self._key}'
        for name, value in dict(parameters=parameters, rename=rename).items():
            if not isinstance(value or {}, dict):
                raise ValueError(
                    f'option {name}: a JSON object is expected, got {value!r}'
                )
        self._parameters = RequestParameters(parameters or {}, rename or {})
        self.notes = self._parameters.notes
        self._pacer = _Pacer(requests_per_minute)
        self._closed = threading.Event()
        self._warned = False

    def run(
        self, requests: Iterable[Request]
    ) -> Iterator[Tuple[Request, Outcome]]:
        """See :meth:`Backend.run`."""
        requests = iter(requests)
        self._closed.clear()
        with ThreadPoolExecutor(self.concurrency) as threads:
            flying: Dict[Any, Request] = {}
            try:
                while True:
                    missing = self.concurrency - len(flying)
                    for request in islice(requests, missing):
                        flying[threads.submit(self._ask, request)] = request
                    if not flying:
                        return
                    done, _ = wait(flying, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield flying.pop(future), future.result()
            finally:
                # No more attempts once the consumer stops.
                self._closed.set()

    def _ask(self, request: Request) -> Outcome:
        try:
            body = self._body(request)
        except OSError as error:
            return unreadable(error)
        for attempt in range(self.retries + 1):
            try:
                return self._adapting(body, request.kind)
            except _Retry as error:
                failure = error.failure
                self._warn_once(failure)
                pause = self.backoff * 2**attempt * random.uniform(0.75, 1.25)
                pause = min(max(pause, error.pause), _LONGEST_PAUSE)
            if attempt < self.retries and self._closed.wait(pause):
                break
        return failure

    def _warn_once(self, failure: Failure) -> None:
        """Print the first failure, such as that of a wrong URL."""
        if not self._warned and self.retries:
            self._warned = True
            print(
                f'{self.url}: {failure.reason}: {failure.message[:300]}; such '
                f'requests are tried {self.retries} times more',
                file=sys.stderr,
            )

    def _adapting(self, body: Dict[str, Any], kind: str) -> Outcome:
        """Send a request, without parameters that are refused."""
        for _ in range(_MOST_ADAPTATIONS):
            sent = self._parameters.apply(body)
            self._pacer.wait()
            status, text, outcome = self._try(sent, kind)
            if outcome is not None:
                return outcome
            if status in _LASTING or not self._parameters.adapt(sent, text):
                break
        if 'content_filter' in text or 'ResponsibleAIPolicy' in text:
            return Failure('content_filter', text[:1000], about_image=True)
        if kind == SCORE and 'logprob' in text:
            return Failure('no_logprobs', f'{NO_LOGPROBS}: {text[:500]}')
        if _CONTEXT.search(text):
            text = f'{_CONTEXT_REMEDY}: {text}'
        return Failure(f'http_{status}', text[:1000])

    def _try(
        self, body: Dict[str, Any], kind: str
    ) -> Tuple[int, str, Optional[Outcome]]:
        """Send once; the outcome is None if a parameter is refused."""
        try:
            response = self._session.post(
                self.url, json=body, timeout=self.timeout
            )
        except self._errors.Timeout as error:
            raise _Retry('timeout', str(error)) from error
        except self._errors.RequestException as error:
            raise _Retry('connection', str(error)) from error
        status, text = response.status_code, response.text
        if self._key:  # some hosts repeat a key that they refuse
            text = text.replace(self._key, '***')
        if status != 200 and status not in _LASTING:
            if find_refused(body, text) is not None:
                return status, text, None
        if status in _TRANSIENT or status >= 500:
            raise _Retry(
                f'http_{status}', text, _retry_after(response.headers)
            )
        if status != 200:
            return status, text, None
        try:
            answer = response.json()
            self._raise_error(answer)
            return status, text, read_completion(answer, kind)
        except (
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            AttributeError,
        ) as error:
            raise _Retry(
                'bad_response', f'{error!r} in {text[:500]}'
            ) from error

    @staticmethod
    def _raise_error(answer: Dict[str, Any]) -> None:
        """Raise an error that was sent with status 200."""
        error = answer.get('error')
        if error and not answer.get('choices'):
            code = error.get('code') if isinstance(error, dict) else None
            name = f'http_{code}' if isinstance(code, int) else 'error'
            raise _Retry(name, str(error))

    def _body(self, request: Request) -> Dict[str, Any]:
        prompt = request.prompt
        image = load_request_image(request, self.max_side, self.orientation)
        content = [
            dict(type='image_url', image_url=dict(url=encode_image(image))),
            dict(type='text', text=prompt.text),
        ]
        body: Dict[str, Any] = dict(
            model=self.model,
            messages=[dict(role='user', content=content)],
            max_tokens=prompt.max_tokens,
            temperature=0,
        )
        if self.seed is not None:
            body['seed'] = self.seed
        if prompt.kind == SCORE:
            body.update(logprobs=True, top_logprobs=20)
        elif prompt.schema is not None and self.structured:
            body['response_format'] = dict(
                type='json_schema',
                json_schema=dict(
                    name='interactions', schema=prompt.schema, strict=True
                ),
            )
        return body


class _Pacer:
    """Limiter of the rate of requests over all threads."""

    def __init__(self, per_minute: float) -> None:
        self.interval = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        if not self.interval:
            return
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self.interval
        time.sleep(max(0.0, turn - time.monotonic()))


def _retry_after(headers: Any) -> float:
    try:
        return float(headers.get('Retry-After', 0))
    except ValueError:  # a date
        return 0.0
