import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from clhoi_mm.utils.files import atomic_path
from clhoi_mm.version import __version__

from ..checkpoint import load_weights

# Names in Hugging Face's folders, in order of preference.
WEIGHTS = ('model.safetensors', 'pytorch_model.bin')


def read_source(path: str) -> tuple[dict[str, Tensor], dict]:
    """Read tensors and, if present, Hugging Face's config.

    No code in a file is executed.

    Args:
        path (str): A file of weights, or a folder in Hugging Face's layout.

    Returns:
        tuple[dict[str, Tensor], dict]: Tensors by name; content of
        config.json, empty without one.

    Raises:
        FileNotFoundError: If there are no weights.
        ValueError: If a file is damaged or contains more than data.
    """
    file = Path(path)
    if file.is_dir():
        paths = [file / name for name in WEIGHTS if (file / name).is_file()]
        if not paths:
            raise FileNotFoundError(
                f'{path} holds neither {" nor ".join(WEIGHTS)}; download one '
                'of them together with config.json (docs/models.md)'
            )
        file = paths[0]
    elif not file.is_file():
        raise FileNotFoundError(
            f'{path} does not exist; docs/models.md says what to download'
        )
    config = file.with_name('config.json')
    try:
        content = json.loads(config.read_text()) if config.is_file() else {}
    except ValueError as error:
        raise ValueError(
            f'{config} is no JSON ({error}); download it again'
        ) from error
    if file.suffix != '.safetensors':
        state = load_weights(str(file))['state_dict']
        # As written by the trainers of YOLOX and detectron2.
        return state['model'] if 'model' in state else state, content
    try:
        return load_file(file), content
    except Exception as error:
        raise ValueError(
            f'{file} cannot be read as safetensors ({error}); '
            'download it again'
        ) from error


def write_checkpoint(
    path: str, state_dict: dict[str, Tensor], meta: dict
) -> None:
    """Write a checkpoint for mmengine and CLHOI, atomically.

    Args:
        path (str): The file to write.
        state_dict (dict[str, Tensor]): Tensors by name; floats become fp32.
        meta (dict): Plain data.
    """
    meta = dict(json.loads(json.dumps(meta)), clhoi_mm_version=__version__)
    state_dict = {
        name: (value.float() if value.is_floating_point() else value).clone()
        for name, value in state_dict.items()
    }
    with atomic_path(path) as temporary:
        torch.save(dict(state_dict=state_dict, meta=meta), temporary)
