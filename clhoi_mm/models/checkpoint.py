from typing import Union

import torch
from mmengine.logging import HistoryBuffer

# What mmengine itself puts into a checkpoint beside tensors and plain types:
# training logs (HistoryBuffer) and the numpy arrays in them.
import numpy as np


def _numpy_globals() -> list:
    core = getattr(np, '_core', None) or np.core
    dtypes = [type(np.dtype(t)) for t in ('f4', 'f8', 'i4', 'i8', 'bool')]
    return [core.multiarray._reconstruct, core.multiarray.scalar, np.ndarray,
            np.dtype, *dtypes]


def load_weights(path: str,
                 map_location: Union[str, torch.device] = 'cpu') -> dict:
    """Load a checkpoint without running code from it.

    mmengine 0.10.7 cannot load its own checkpoints with torch >= 2.6, and
    later versions fall back to unpickling anything: both are avoided here.

    Args:
        path (str): A local file.
        map_location (str or torch.device): Where tensors go.

    Returns:
        dict: The checkpoint, with 'state_dict' whatever its layout.

    Raises:
        ValueError: If the file is no checkpoint or holds more than data.
    """
    try:
        with torch.serialization.safe_globals(
            [HistoryBuffer, *_numpy_globals()]):
            checkpoint = torch.load(
                path, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f'{path} is not a checkpoint that can be loaded safely '
            f'({type(error).__name__}: {str(error).splitlines()[0]}); it may '
            'be truncated, or hold code beside weights: save its state_dict '
            'anew where you trust it') from error
    if 'state_dict' not in checkpoint:
        checkpoint = dict(state_dict=checkpoint)
    return checkpoint
