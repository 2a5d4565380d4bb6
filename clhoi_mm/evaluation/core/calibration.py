"""Calibration of scores: the share of predictions that are right."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ScoreCalibration:
    """Logistic calibration of scores (Platt scaling).

    The calibrated log-odds are ``scale * log-odds + bias``. The order of
    scores stays, so that AP does as well.

    Args:
        scale (float): Above 0.
        bias (float): Of the log-odds.
    """

    scale: float
    bias: float

    @classmethod
    def fit(
        cls, scores: np.ndarray, is_right: np.ndarray, num_steps: int = 100
    ) -> 'ScoreCalibration':
        """Fit by maximum likelihood.

        Targets are smoothed as Platt proposes (Advances in Large Margin
        Classifiers, 1999), so that separable scores give finite results.

        Args:
            scores (np.ndarray): In [0, 1], (N,).
            is_right (np.ndarray): (N,) bool.
            num_steps (int): Upper bound of Newton's steps. Defaults to 100.

        Raises:
            ValueError: If all predictions are right or all are wrong, or if
                wrong ones score higher.
        """
        num_right = int(is_right.sum())
        num_wrong = len(is_right) - num_right
        if not (num_right and num_wrong):
            raise ValueError(
                f'{num_right} right and {num_wrong} wrong predictions; '
                'calibration needs both'
            )
        target = np.where(
            is_right,
            (num_right + 1) / (num_right + 2),
            1 / (num_wrong + 2),
        )
        x = np.stack([log_odds(scores), np.ones(len(scores))], 1)
        weights = np.array([1.0, 0.0])
        for _ in range(num_steps):
            probs = _sigmoid(x @ weights)
            hessian = (x * (probs * (1 - probs))[:, None]).T @ x
            step = np.linalg.solve(
                hessian + 1e-9 * np.eye(2), x.T @ (probs - target)
            )
            # Far from the optimum Newton's full steps may diverge.
            weights -= step / max(1.0, np.abs(step).max())
            if np.abs(step).max() < 1e-9:
                break
        if weights[0] <= 0:
            raise ValueError(
                'wrong predictions score higher than right ones; check that '
                'predictions and annotations belong together'
            )
        return cls(float(weights[0]), float(weights[1]))

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Calibrate scores in [0, 1]."""
        return _sigmoid(self.scale * log_odds(scores) + self.bias)


@dataclass(frozen=True)
class Reliability:
    """Scores in bins against the share of right predictions.

    Args:
        edges (np.ndarray): Limits of the bins, (B + 1,).
        counts (np.ndarray): Predictions of each bin, (B,).
        mean_scores (np.ndarray): Mean score of each bin, NaN if empty, (B,).
        shares_right (np.ndarray): Share of right predictions, NaN if empty,
            (B,).
    """

    edges: np.ndarray
    counts: np.ndarray
    mean_scores: np.ndarray
    shares_right: np.ndarray

    @classmethod
    def of(
        cls, scores: np.ndarray, is_right: np.ndarray, num_bins: int = 10
    ) -> 'Reliability':
        """Count predictions in bins of equal width.

        Args:
            scores (np.ndarray): In [0, 1], (N,).
            is_right (np.ndarray): (N,) bool.
            num_bins (int): Number of bins B. Defaults to 10.
        """
        inds = np.minimum((scores * num_bins).astype(int), num_bins - 1)
        counts = np.bincount(inds, minlength=num_bins)
        with np.errstate(invalid='ignore'):
            means, shares = (
                np.bincount(inds, values, minlength=num_bins) / counts
                for values in (scores, is_right.astype(float))
            )
        return cls(np.linspace(0, 1, num_bins + 1), counts, means, shares)

    @property
    def error(self) -> float:
        """Expected calibration error (arXiv 1706.04599)."""
        gaps = np.nan_to_num(np.abs(self.mean_scores - self.shares_right))
        return float((gaps * self.counts).sum() / max(self.counts.sum(), 1))


def log_odds(scores: np.ndarray) -> np.ndarray:
    """Log-odds of scores in [0, 1], finite at both ends."""
    scores = np.clip(np.asarray(scores, np.float64), 1e-12, 1 - 1e-7)
    return np.log(scores) - np.log1p(-scores)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))
