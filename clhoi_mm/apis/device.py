from typing import Optional

import torch


def check_device(device: Optional[str]) -> None:
    """Raise an error if a device is not available.

    Args:
        device (str, optional): Name such as 'cpu' or 'cuda:0'; None for
            torch's choice.

    Raises:
        ValueError: If it is no device's name, or there is no such GPU.
    """
    if device is None:
        return
    try:
        kind = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device}: no device of torch's; give 'cpu', "
            "'cuda' or 'cuda:1'"
        ) from error
    if kind.type != 'cuda':
        return
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise ValueError(
            f'device={device}: torch finds no GPU here; '
            "leave device out, or give 'cpu'"
        )
    if (kind.index or 0) >= count:
        raise ValueError(
            f'device={device}: torch finds {count} GPUs here, counted from 0'
        )
