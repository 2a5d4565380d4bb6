"""Transforms of phrase embeddings, and tables of classes by group."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def center_by_group(
    embeds: Tensor, group: Tensor, num_groups: int
) -> tuple[Tensor, Tensor]:
    """Subtract group means from rows and normalize to unit length.

    The only row of a group is centered by the overall mean instead.

    Args:
        embeds (Tensor): (N, d).
        group (Tensor): Group of each row, (N,).
        num_groups (int): Number of groups G.

    Returns:
        tuple[Tensor, Tensor]: Centered rows, (N, d), and group means, (G, d).
    """
    count = torch.bincount(group, minlength=num_groups)
    total = embeds.new_zeros(num_groups, embeds.size(1))
    total.index_add_(0, group, embeds)
    overall = embeds.mean(0)
    means = torch.where(
        count[:, None] > 1, total / count.clamp(min=1)[:, None], overall
    )
    return F.normalize(embeds - means[group], dim=-1), means


def whiten(embeds: Tensor, reference: Tensor, floor: float = 0.05) -> Tensor:
    """Whiten text space by the covariance of reference rows.

    Verb embeddings of text encoders concentrate along few directions, which
    dominate their similarities. Directions that no reference row spans are
    dropped.

    Args:
        embeds (Tensor): (N, d).
        reference (Tensor): Centered reference rows of unit length, (M, d).
        floor (float): Regularization added to each direction's energy, as a
            fraction of the mean energy. Defaults to 0.05.

    Returns:
        Tensor: (N, d), unit length.
    """
    # In double precision, so that a row does not depend on its batch.
    _, sizes, axes = torch.linalg.svd(reference.double(), full_matrices=False)
    energy = sizes**2
    is_spanned = energy > 1e-9 * len(reference)
    scale = torch.where(
        is_spanned, (energy + floor * energy[is_spanned].mean()).rsqrt(), 0.0
    )
    return F.normalize(embeds.double() @ (axes.T * scale) @ axes, dim=-1).to(
        embeds
    )


def only_in(
    flags: np.ndarray, group: np.ndarray, num_groups: int
) -> np.ndarray:
    """Find non-empty groups whose members are all flagged.

    Args:
        flags (np.ndarray): (N,), bool.
        group (np.ndarray): Group of each member, (N,).
        num_groups (int): Number of groups G.

    Returns:
        np.ndarray: (G,), bool.
    """
    num_unflagged = np.bincount(group[~flags], minlength=num_groups)
    return (np.bincount(group, minlength=num_groups) > 0) & (
        num_unflagged == 0
    )


def group_members(
    group: np.ndarray, kept: np.ndarray, num_groups: int
) -> np.ndarray:
    """List the kept members of each group.

    Args:
        group (np.ndarray): Group of each member, (N,).
        kept (np.ndarray): (N,), bool.
        num_groups (int): Number of groups G.

    Returns:
        np.ndarray: Indices of members, padded with -1, (G, K), K >= 1.
    """
    rows = [np.flatnonzero(kept & (group == g)) for g in range(num_groups)]
    table = np.full((num_groups, max(1, *map(len, rows))), -1)
    for line, row in zip(table, rows):
        line[: len(row)] = row
    return table
