import json
import re
import sys
import threading
from typing import Any, Dict, List, Optional, Set, Tuple

from tqdm import tqdm

# Needed by every request.
_NEEDED = ('model', 'messages')
_LIMITS = ('max_tokens', 'max_completion_tokens')
# Errors of endpoints over a parameter that is unknown or not allowed.
_REFUSED = re.compile(
    r'not? support|unsupported|un-?recogni[sz]ed|unknown|unexpected|'
    r'not permitted|extra_forbidden|extra inputs|extra fields|not allowed|'
    r'deprecated|invalid parameter|cannot find field|only the default|'
    r'instead|not available|unavailable|disabled|not compatible|'
    r'incompatible|not enabled|is enabled only|drop_params|does not exist|'
    r'must be strictly|must be greater than 0|cannot both|invalid schema|'
    r'schema conversion|not implemented|requires',
    re.IGNORECASE,
)
# The value is wrong, not the parameter.
_TOO_LARGE = re.compile(
    r'too large|too long|maximum context|context length|exceed|too many '
    r'tokens',
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r'(?:use|try|replaced by)\W+([a-z_]+)\W{1,3}(?:parameter )?instead',
    re.IGNORECASE,
)
_MOST = re.compile(
    r'(?:at most|max(?:imum)?(?: allowed| value)?(?: of| is|:)?|<=|\u2264|'
    r'less than or equal to|between 0 and|up to) ?:?(\d+)',
    re.IGNORECASE,
)
_LEAST = re.compile(
    r'(?:at least|min(?:imum)?(?: value)?(?: of| is|:)?|>=|\u2265|'
    r'greater than or equal to)\D{0,25}(\d+)',
    re.IGNORECASE,
)
# Other names of parameters in errors.
_OTHER_NAMES = dict(
    response_format=r'response.?format|json.?schema|response.?schema|'
    r'structured outputs?|guided.?(?:json|decoding)|grammar|'
    r'additionalProperties|anyOf',
    logprobs=r'log.?prob(?:s|abilities)?',
)


class RequestParameters:
    """Parameters of a request, adapted to the endpoint.

    Thread-safe; what an endpoint refuses once is not sent again.

    Args:
        settings (Dict[str, Any]): Values by name, in place of the backend's
            own or beside them; None leaves a parameter out.
        renames (Dict[str, str]): Names as the endpoint calls them.

    Attributes:
        notes (List[str]): A line for each adaptation.
    """

    def __init__(
        self, settings: Dict[str, Any], renames: Dict[str, str]
    ) -> None:
        self._settings = dict(settings)
        self._renames = dict(renames)
        self._limits: Dict[str, Tuple[Any, int]] = {}
        self._refused: Set[str] = set()
        self._lock = threading.Lock()
        self.notes: List[str] = []

    def apply(self, body: Dict[str, Any]) -> Dict[str, Any]:
        """Adapt a request's body to the endpoint.

        Args:
            body (Dict[str, Any]): With the backend's own parameters.

        Returns:
            Dict[str, Any]: A copy.
        """
        with self._lock:
            given = {k: v for k, v in body.items() if k not in _LIMITS}
            if not any(self._settings.get(name) for name in _LIMITS):
                given = body
            body = {**given, **self._settings}
            body = {
                self._renames.get(name, name): value
                for name, value in body.items()
                if value is not None
            }
            for name, (bound, limit) in self._limits.items():
                if isinstance(body.get(name), int):
                    body[name] = bound(int(body[name]), limit)
            return body

    def adapt(self, body: Dict[str, Any], text: str) -> bool:
        """Learn from an endpoint's error which parameter it refuses.

        Args:
            body (Dict[str, Any]): The body sent, from :meth:`apply`.
            text (str): The error as it came.

        Returns:
            bool: Whether the next body differs from this one.
        """
        name = find_refused(body, text)
        if name is None:
            return False
        with self._lock:
            own = next(
                (k for k, v in self._renames.items() if v == name), name
            )
            if self._is_known(body, name, own):
                return True  # by another thread, since this was sent
            self._change(body, name, own, text)
        return True

    def _is_known(self, body: Dict[str, Any], name: str, own: str) -> bool:
        bound = self._limits.get(name)
        return (
            (own in self._settings and self._settings[own] is None)
            or self._renames.get(own, own) != name
            or (
                bound is not None
                and isinstance(body.get(name), int)
                and bound[0](int(body[name]), bound[1]) != body[name]
            )
        )

    def _change(
        self, body: Dict[str, Any], name: str, own: str, text: str
    ) -> None:
        self._refused.add(name)
        value = body[name]
        number = isinstance(value, int) and not isinstance(value, bool)
        most, least = _MOST.search(text), _LEAST.search(text)
        other = _INSTEAD.search(text)
        if number and name not in self._limits and value > 1 and most:
            self._limits[name] = (min, int(most.group(1)))
            what = f'{most.group(1)} at most is sent'
        elif (
            number
            and name not in self._limits
            and least
            and value < int(least.group(1))
        ):
            self._limits[name] = (max, int(least.group(1)))
            what = f'{least.group(1)} at least is sent'
        elif other and other.group(1) not in (name, own):
            self._renames[own] = other.group(1)
            what = f'"{other.group(1)}" is sent instead'
        elif name in _LIMITS and not self._refused.issuperset(_LIMITS):
            self._renames[own] = _LIMITS[name == _LIMITS[0]]
            what = f'"{self._renames[own]}" is sent instead'
        else:
            self._settings[own] = None
            what = 'it is left out'
        note = (
            f'the endpoint refuses "{name}" ({" ".join(text.split())[:200]}); '
            f'{what} from here on'
        )
        self.notes.append(note)
        tqdm.write(note, file=sys.stderr)


def find_refused(body: Dict[str, Any], text: str) -> Optional[str]:
    """Find the unsupported parameter that an error names.

    Dialects of OpenAI, Azure, vLLM, LiteLLM, Anthropic, Gemini, llama.cpp
    and whatever else names the parameter.

    Args:
        body (Dict[str, Any]): The body sent.
        text (str): The error as it came.

    Returns:
        str, optional: A name in ``body``, None where the error has
        another cause.
    """
    message, stated = _read_error(text)
    names = [name for name in body if name not in _NEEDED]
    bounded = _MOST.search(message) or _LEAST.search(message)
    if _TOO_LARGE.search(message) and not _INSTEAD.search(message):
        return None
    if not stated and not bounded and not _REFUSED.search(message):
        return None
    for name in stated:
        if name.split('.')[0].split('[')[0] in names:
            return name.split('.')[0].split('[')[0]
    if any(name.split('.')[0].split('[')[0] in _NEEDED for name in stated):
        return None
    found = []
    for name in names:
        pattern = rf'(?<![\w]){re.escape(name)}(?![\w])'
        match = re.search(pattern, message) or (
            re.search(_OTHER_NAMES[name], message, re.IGNORECASE)
            if name in _OTHER_NAMES
            else None
        )
        if match:
            found.append((match.start(), -len(name), name))
    return min(found)[2] if found else None


def _read_error(text: str) -> Tuple[str, List[str]]:
    """Read an error's message and the parameters it names."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return text, []
    stated: List[str] = []
    left, messages = [content], []
    while left:
        item = left.pop()
        if isinstance(item, list):
            left += item
        elif isinstance(item, dict):
            place = item.get('loc')
            if isinstance(place, list):
                stated += [str(x) for x in place if x != 'body'][:1]
            if isinstance(item.get('param'), str):
                stated.append(item['param'])
            left += [v for k, v in item.items() if k not in ('input', 'param')]
        elif isinstance(item, str):
            messages.append(item)
    return ' '.join(messages[::-1]) or text, stated
