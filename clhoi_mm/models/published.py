"""Checkpoints to hand on: weights alone, perhaps without the detector's."""

import hashlib
import json
from typing import Mapping

import torch
from torch import Tensor, nn

# Entries of a trained checkpoint that a published one has.
KEYS = ('meta', 'state_dict')
DETECTOR = 'detector.model.'
# In place of the detector's weights: their hash, as bytes.
LEFT_OUT = 'weights_left_out'


def weights_hash(state_dict: Mapping[str, Tensor]) -> str:
    """Compute the sha256 over tensors and their names, in hex."""
    digest = hashlib.sha256()
    for name, value in sorted(state_dict.items()):
        digest.update(f'{name} {value.dtype} {value.shape}'.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def publish(checkpoint: dict, strip_detector: bool = False) -> dict:
    """Select the parts of a checkpoint to publish.

    Args:
        checkpoint (dict): As :func:`load_weights` gives it.
        strip_detector (bool): Leave the frozen detector's weights out; their
            hash stays, so that no other detector is put in their place.

    Returns:
        dict: 'state_dict' and, where there is one, 'meta'.

    Raises:
        ValueError: If there is no frozen detector in it.
    """
    published = {key: checkpoint[key] for key in KEYS if key in checkpoint}
    if not strip_detector:
        return published
    state = {
        name.removeprefix('module.'): value
        for name, value in checkpoint['state_dict'].items()
    }
    detector = {
        name.removeprefix(DETECTOR): value
        for name, value in state.items()
        if name.startswith(DETECTOR)
    }
    if not detector:
        raise ValueError(
            'there are no weights of a detector to leave out: '
            'it is no checkpoint of CLHOI, or was published '
            'without them before'
        )
    kind = (model_config(checkpoint).get('detector') or {}).get('type', '')
    if kind.rsplit('.', 1)[-1] == 'JointDetector':
        raise ValueError(
            'its detector was trained along, so that no other '
            'file has these weights; publish it whole'
        )
    state = {
        name: value
        for name, value in state.items()
        if not name.startswith(DETECTOR)
    }
    hashed = bytearray.fromhex(weights_hash(detector))
    state[f'detector.{LEFT_OUT}'] = torch.frombuffer(hashed, dtype=torch.uint8)
    return dict(published, state_dict=state)


def model_config(checkpoint: dict) -> dict:
    """Read the model's config from the checkpoint, where it is JSON."""
    try:
        return json.loads(checkpoint['meta']['cfg'])['model']
    except (KeyError, TypeError, ValueError):
        return {}


def put_detector_back(
    detector: nn.Module, state_dict: dict, prefix: str
) -> None:
    """Let a detector keep its weights where a checkpoint leaves them out.

    Args:
        detector (FrozenDetector): Must have loaded its own checkpoint.
        state_dict (dict): Is about to be loaded into it; modified.
        prefix (str): Prefix of its names.

    Raises:
        FileNotFoundError: If it has not.
        ValueError: If its weights are not those that were left out.
    """
    hashed = state_dict.pop(prefix + LEFT_OUT, None)
    if hashed is None:
        return
    name = type(detector.model).__name__
    remedy = (
        f'give the {name} checkpoint that the model was trained with, '
        'as model.detector.checkpoint in the config or with --cfg-options '
        'model.detector.checkpoint=PATH'
    )
    if not detector.loaded and not detector.allow_random:
        given = (
            f'{detector.checkpoint} does not exist'
            if detector.checkpoint
            else 'none is given'
        )
        raise FileNotFoundError(
            "this checkpoint was published without its detector's weights, "
            f'and of those {given}; {remedy}'
        )
    expected = bytes(hashed.tolist()).hex()
    if detector.loaded and detector.identity['weights'] != expected:
        raise ValueError(
            "this checkpoint was published without its detector's weights, "
            f'and {detector.checkpoint} holds others (sha256 of its tensors '
            f'{detector.identity["weights"][:8]}, not {expected[:8]}); '
            f'{remedy}'
        )
    state_dict.update(
        {
            f'{prefix}model.{key}': value
            for key, value in detector.model.state_dict().items()
        }
    )
