from typing import Any, Dict, List, Tuple

import numpy as np

from .model_folder import find_model_folder
from .torch_encoder import TorchTextEncoder

# First release of transformers that has a class.
SINCE = dict(
    CLIPTextModelWithProjection='4.25',
    SiglipTextModel='4.37',
    Siglip2TextModel='4.49',
)


class TextTowerEncoder(TorchTextEncoder):
    """Text tower of an image-text model, through transformers.

    torch and transformers are imported when an encoder is made, not when
    this module is. Of a checkpoint with both towers the text's is loaded.

    Attributes:
        model_classes (Dict[str, str]): Class of transformers for each model
            type that a config.json may have.
        output (str): Field of the model's output.
        pad_to_limit (bool): Whether the model was trained on texts padded
            to its limit without a mask.
        lower (bool): Whether it was trained on lower-case texts alone.
        example (str): A checkpoint's id on the Hugging Face hub.

    Args:
        path (str): A folder with weights and tokenizer, one inside an
            installed package ('package:NAME/FOLDER'), or their id on the
            Hugging Face hub.
        batch_size (int): Texts embedded at once. Defaults to 256.
        device (str): torch device. Defaults to 'cpu'.

    Raises:
        ImportError: torch or transformers is not installed, or transformers
            is too old for this kind of model.
        FileNotFoundError: The weights are neither here nor to be fetched.
        ValueError: They are of another kind of model, or incomplete.
    """

    model_classes: Dict[str, str]
    output: str
    pad_to_limit: bool
    lower: bool
    example: str

    def __init__(
        self, path: str, batch_size: int = 256, device: str = 'cpu'
    ) -> None:
        self.device = device
        model, tokenizer = self._load(find_model_folder(path))
        super().__init__(
            model.to(device),
            model.config,
            tokenizer,
            model.config.max_position_embeddings,
            batch_size,
        )

    def _token_ids(self, texts: List[str]) -> List[List[int]]:
        return super()._token_ids(self._cased(texts))

    def _cased(self, texts: List[str]) -> List[str]:
        return [text.lower() for text in texts] if self.lower else texts

    def _embed(self, texts: List[str]) -> np.ndarray:
        import torch

        tokens = self.tokenizer(
            self._cased(texts),
            padding='max_length' if self.pad_to_limit else True,
            truncation=True,
            max_length=self.max_length,
            return_tensors='pt',
        ).to(self.device)
        inputs = dict(input_ids=tokens['input_ids'])
        if not self.pad_to_limit:
            inputs['attention_mask'] = tokens['attention_mask']
        with torch.no_grad():
            return self.model(**inputs)[self.output].cpu().numpy()

    def _load(self, path: str) -> Tuple[Any, Any]:
        name = type(self).__name__
        try:
            import transformers
        except ImportError as error:
            raise ImportError(
                f'{name} needs torch and transformers; install them with '
                "pip install 'clhoi_mm[teacher-transformers]', or use "
                "dict(type='HashedTextEncoder')"
            ) from error
        try:
            model, missing = self._load_model(transformers, path)
            tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        except OSError as error:
            raise FileNotFoundError(
                f'{name}: no text model and tokenizer at "{path}". Give a '
                f'folder with config.json, model.safetensors and the '
                f"tokenizer's files, or fetch one where there is a "
                f'network: hf download {self.example} --local-dir FOLDER. '
                f'Cause: {error}'
            ) from error
        if missing:
            raise ValueError(
                f'{name}: "{path}" lacks {len(missing)} weights of the text '
                f'model, {sorted(missing)[0]} for one; fetch it again: hf '
                f'download {self.example} --local-dir FOLDER'
            )
        return model, tokenizer

    def _load_model(
        self, transformers: Any, path: str
    ) -> Tuple[Any, List[str]]:
        """Load the text tower, and list missing weights."""
        # AutoConfig does not know the text towers' own types.
        whole, _ = transformers.PretrainedConfig.get_config_dict(path)
        kind = whole.get('model_type')
        if kind not in self.model_classes:
            raise ValueError(
                f'{type(self).__name__}: "{path}" is a model of type '
                f'"{kind}"; it takes {", ".join(self.model_classes)}'
            )
        name = self.model_classes[kind]
        model_class = getattr(transformers, name, None)
        if model_class is None:
            raise ImportError(
                f'{type(self).__name__}: "{path}" is a model of type '
                f'"{kind}", which needs transformers>={SINCE[name]}; '
                f'{transformers.__version__} is installed'
            )
        # Not the model's config_class: on Python 3.14 transformers 4 takes
        # the whole model's for it.
        config_name = name.partition('TextModel')[0] + 'TextConfig'
        config = getattr(transformers, config_name).from_pretrained(path)
        if 'projection_dim' in whole:  # the text's own part may lack it
            config.projection_dim = whole['projection_dim']
        logging = transformers.utils.logging
        level = logging.get_verbosity()
        logging.set_verbosity_error()  # it lists the image tower's weights
        try:
            model, info = model_class.from_pretrained(
                path, config=config, output_loading_info=True
            )
        finally:
            logging.set_verbosity(level)
        return model, list(info['missing_keys'])
