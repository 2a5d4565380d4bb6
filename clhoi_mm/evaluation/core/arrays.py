"""Reading and validation of arrays and tensors given by callers."""

from typing import Any, Tuple

import numpy as np


def to_numpy(values: Any) -> np.ndarray:
    """Convert a tensor to an array without importing torch."""
    if hasattr(values, 'detach'):
        values = values.detach().cpu()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()  # numpy has no bfloat16
        values = values.numpy()
    return np.asarray(values)


def read_labels(values: Any, num_classes: int, name: str) -> np.ndarray:
    """Copy and validate labels, where -1 is no class.

    Args:
        values (Any): Tensor, array or list.
        num_classes (int): Number of classes.
        name (str): Name of the field, for error messages.

    Returns:
        np.ndarray: (N,) int64.

    Raises:
        ValueError: If the labels are not a vector of integers in that range.
    """
    labels = to_numpy(values)
    if labels.size == 0:
        return np.zeros(0, dtype=np.int64)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f'{name} must be a vector of integers, but is '
            f'{labels.dtype} of shape {labels.shape}.'
        )
    if labels.min() < -1 or labels.max() >= num_classes:
        wrong = labels[(labels < -1) | (labels >= num_classes)][0]
        raise ValueError(
            f'{name} holds {wrong}, but the vocabulary has {num_classes} '
            f'classes (0 to {num_classes - 1}; -1 is none of them). Are data '
            'set, model and metric built with the same vocabulary?'
        )
    return labels.astype(np.int64)


def read_floats(values: Any, shape: Tuple[int, ...], name: str) -> np.ndarray:
    """Copy and validate numbers of a given shape.

    Args:
        values (Any): Tensor, array or list.
        shape (tuple[int]): Required shape.
        name (str): Name of the field, for error messages.

    Returns:
        np.ndarray: Floats; float64 is kept, other types become float32.

    Raises:
        ValueError: If the shape differs or values are not numbers.
    """
    array = to_numpy(values)
    if array.size == 0 and shape[0] == 0:
        return np.zeros(shape, dtype=np.float32)
    if array.shape != shape:
        raise ValueError(
            f'{name} must have shape {shape}, as many rows as '
            f'there are labels, but has {array.shape}.'
        )
    if array.dtype.kind not in 'fiu':
        raise ValueError(f'{name} must hold numbers, but is {array.dtype}.')
    dtype = np.float64 if array.dtype == np.float64 else np.float32
    return array.astype(dtype)


def refuse_infinite(array: np.ndarray, rows: np.ndarray, name: str) -> None:
    """Raise an error if a selected row is not finite.

    Args:
        array (np.ndarray): (N, ...) floats.
        rows (np.ndarray): Rows to check, (N,) bool.
        name (str): Name of the field, for error messages.

    Raises:
        ValueError: With the first such row.
    """
    finite = np.isfinite(array).all(axis=tuple(range(1, array.ndim)))
    wrong = np.flatnonzero(rows & ~finite)
    if len(wrong):
        raise ValueError(f'{name} is not finite in row {wrong[0]}.')
