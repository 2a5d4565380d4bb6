from typing import Callable, Union

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from clhoi_mm.config_file import UnreadableCheckpoint


def _history_statistic(owner: type, name: str) -> Callable:
    """The one use of ``getattr`` in a checkpoint: a HistoryBuffer's method.

    Raises:
        ValueError: If the file asks for anything else.
    """
    if owner is not HistoryBuffer or name.startswith('_'):
        raise ValueError(f'the file asks for {name} of {owner}')
    return getattr(owner, name)


def _safe_globals() -> list:
    """Types of mmengine in checkpoints beside tensors and plain types.

    Training logs (HistoryBuffer) and the numpy arrays in them, under the
    names that numpy 1 and numpy 2 give its functions.
    """
    multiarray = (getattr(np, '_core', None) or np.core).multiarray
    functions = [
        (getattr(multiarray, name), f'numpy.{core}.multiarray.{name}')
        for core in ('core', '_core')
        for name in ('_reconstruct', 'scalar')
    ]
    dtypes = [type(np.dtype(t)) for t in ('f4', 'f8', 'i4', 'i8', 'bool')]
    return [
        HistoryBuffer,
        (_history_statistic, 'builtins.getattr'),
        np.ndarray,
        np.dtype,
        *dtypes,
        *functions,
    ]


def load_weights(
    path: str, map_location: Union[str, torch.device] = 'cpu'
) -> dict:
    """Load a checkpoint without running code from it.

    mmengine 0.10.7 cannot load its own checkpoints with torch >= 2.6, and
    later versions fall back to unpickling anything: both are avoided here.

    Args:
        path (str): A local file.
        map_location (str or torch.device): Where tensors go.

    Returns:
        dict: The checkpoint, with 'state_dict' whatever its layout.

    Raises:
        UnreadableCheckpoint: The file is no checkpoint or holds more than
            data.
    """
    try:
        with torch.serialization.safe_globals(_safe_globals()):
            checkpoint = torch.load(
                path, map_location=map_location, weights_only=True
            )
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        raise UnreadableCheckpoint(
            f'{path} is not a checkpoint that can be loaded safely '
            f'({repr(error).splitlines()[0][:200]}); it may be truncated, '
            'or hold code beside weights: save its state_dict anew where you '
            'trust it'
        ) from error
    if not isinstance(checkpoint, dict):
        raise UnreadableCheckpoint(
            f'{path} holds a {type(checkpoint).__name__}, not '
            'the weights of a model'
        )
    if 'state_dict' not in checkpoint:
        checkpoint = dict(state_dict=checkpoint)
    return checkpoint
