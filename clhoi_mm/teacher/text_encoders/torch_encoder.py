import hashlib
from abc import ABC, abstractmethod
from typing import Any, List, Sequence

import numpy as np

from .long_texts import split_to_fit

# Parts of the config that do not follow from the weights' shapes.
_CONFIG = ('num_attention_heads', 'hidden_act', 'layer_norm_eps')
# Tokenizers of equal vocabularies may differ in these texts.
_PROBES = [
    'A person is riding a bicycle.',
    'two PEOPLE, 3 dogs & 1 "Hot-Dog"',
    ' spaced  out\n',
    'caf\u00e9 \u732b',
]


class TorchTextEncoder(ABC):
    """Base class of encoders with weights.

    A text with more tokens than the model reads is cut into its sentences,
    and those that are too long between words; it is embedded as the mean of
    its pieces, so that no part of a long caption is lost. Only a single word
    that is too long by itself loses its end.

    Args:
        model (torch.nn.Module): Embeds; set to 32-bit floats, since some
            weights are stored as 16 bits and loaded as such by transformers
            5 alone.
        config (Any): Text model's config, of transformers.
        tokenizer (Callable): Tokenizer of transformers.
        max_length (int): Tokens that the model reads, the special ones
            included.
        batch_size (int): Texts embedded at once.
        facts (str): Further determinants of the output. Defaults to ''.
    """

    version = 2

    def __init__(
        self,
        model: Any,
        config: Any,
        tokenizer: Any,
        max_length: int,
        batch_size: int,
        facts: str = '',
    ) -> None:
        self.model = model.float().eval()
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.batch_size = batch_size
        self.dim: int = self._embed(['a person']).shape[1]
        self.identity = (
            f'{type(self).__name__}(weights={self._weights_hash(config)}, '
            f'tokenizer={self._tokenizer_hash()}, max_length={max_length}, '
            f'{facts}version={self.version})'
        )

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts (Sequence[str]): n texts of any length.

        Returns:
            np.ndarray: (n, dim) float32, rows of unit length.
        """
        fitting = [n <= self.max_length for n in self._lengths(texts)]
        pieces = [
            [text] if fits else split_to_fit(text, self._fits)
            for text, fits in zip(texts, fitting)
        ]
        flat = [piece for parts in pieces for piece in parts]
        owners = np.repeat(
            np.arange(len(texts)), [len(parts) for parts in pieces]
        )
        rows = np.zeros((len(texts), self.dim), np.float32)
        for start in range(0, len(flat), self.batch_size):
            part = slice(start, start + self.batch_size)
            np.add.at(rows, owners[part], _unit(self._embed(flat[part])))
        return _unit(rows)

    @abstractmethod
    def _embed(self, texts: List[str]) -> np.ndarray:
        """Embed one batch of texts that fit: (n, dim)."""

    def _fits(self, text: str) -> bool:
        return self._lengths([text])[0] <= self.max_length

    def _lengths(self, texts: Sequence[str]) -> List[int]:
        return [len(ids) for ids in self._token_ids(texts)]

    def _token_ids(self, texts: Sequence[str]) -> List[List[int]]:
        # verbose: it warns of long texts, which are what is looked for.
        return (
            self.tokenizer(list(texts), verbose=False)['input_ids']
            if texts
            else []
        )

    def _weights_hash(self, config: Any) -> str:
        """Hash the weights without names, which differ between versions."""
        facts = [getattr(config, name, None) for name in _CONFIG]
        digests = sorted(
            hashlib.sha256(
                repr(tuple(value.shape)).encode()
                + value.detach().cpu().numpy().tobytes()
            ).digest()
            for value in self.model.parameters()
        )
        return hashlib.sha256(
            b''.join([repr(facts).encode(), *digests])
        ).hexdigest()[:16]

    def _tokenizer_hash(self) -> str:
        facts = (
            sorted(self.tokenizer.get_vocab().items()),
            self._token_ids(_PROBES),
        )
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-12)
