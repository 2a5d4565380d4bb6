import hashlib
from typing import Any, Sequence, Tuple

import numpy as np


class CLIPTextEncoder:
    """CLIP's text tower, through transformers.

    torch and transformers are imported when an encoder is made, not when
    this module is.

    Args:
        path (str): A folder with CLIP's weights and tokenizer, or its id on
            the Hugging Face hub.
        batch_size (int): Texts embedded at once. Defaults to 256.
        device (str): torch device. Defaults to 'cpu'.

    Raises:
        ImportError: torch or transformers is not installed.
        FileNotFoundError: The weights are neither here nor to be fetched.
    """

    def __init__(self,
                 path: str = 'openai/clip-vit-base-patch32',
                 batch_size: int = 256,
                 device: str = 'cpu') -> None:
        self.batch_size = batch_size
        self.device = device
        self._model, self._tokenizer = self._load(path)
        self._model.to(device).eval()
        self._max_length = self._model.config.max_position_embeddings
        self.dim: int = self._model.config.projection_dim
        self.identity = (f'CLIPTextEncoder(weights={self._weights_hash()}, '
                         f'tokenizer={self._tokenizer_hash()})')

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts; what exceeds CLIP's context length is cut off.

        Args:
            texts (Sequence[str]): n texts.

        Returns:
            np.ndarray: (n, dim) float32, rows of unit length.
        """
        import torch
        rows = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), self.batch_size):
            tokens = self._tokenizer(
                list(texts[start:start + self.batch_size]),
                padding=True,
                truncation=True,
                max_length=self._max_length,
                return_tensors='pt').to(self.device)
            with torch.no_grad():
                embeds = self._model(
                    input_ids=tokens['input_ids'],
                    attention_mask=tokens['attention_mask']).text_embeds
                embeds = torch.nn.functional.normalize(embeds.float(), dim=-1)
            rows[start:start + len(embeds)] = embeds.cpu().numpy()
        return rows

    @staticmethod
    def _load(path: str) -> Tuple[Any, Any]:
        try:
            from transformers import (CLIPTextModelWithProjection,
                                      CLIPTokenizerFast)
        except ImportError as error:
            raise ImportError(
                'CLIPTextEncoder needs torch and transformers; install them '
                "with pip install 'clhoi_mm[teacher]', or use "
                "dict(type='HashedTextEncoder')") from error
        try:
            return (CLIPTextModelWithProjection.from_pretrained(path),
                    CLIPTokenizerFast.from_pretrained(path))
        except (OSError, ValueError) as error:
            raise FileNotFoundError(
                f'CLIPTextEncoder: no CLIP text model and tokenizer at '
                f'"{path}". Give a folder with config.json, '
                f'model.safetensors and the tokenizer\'s files, or fetch '
                f'one where there is a network: hf download '
                f'openai/clip-vit-base-patch32 --local-dir FOLDER. '
                f'Cause: {error}') from error

    def _weights_hash(self) -> str:
        digest = hashlib.sha256()
        for name, value in sorted(self._model.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def _tokenizer_hash(self) -> str:
        vocab = sorted(self._tokenizer.get_vocab().items())
        return hashlib.sha256(repr(vocab).encode()).hexdigest()[:16]
