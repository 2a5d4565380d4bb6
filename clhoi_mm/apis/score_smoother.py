"""Temporal smoothing of interaction scores."""

import math
from typing import Dict, Hashable, Iterable, KeysView, Mapping

Scores = Dict[Hashable, float]


class ScoreSmoother:
    """Exponential moving averages of the scores of a video's pairs.

    A frame's weight halves in ``half_life`` seconds. Averages are over the
    frames in which a pair is detected; frames without it are ignored, and a
    class that is missing among the scores of a detected pair counts as 0.

    Args:
        half_life (float): Seconds; 0 disables smoothing.
        patience (float): Seconds after which a pair without detections is
            dropped.
        least (float): Averages below are dropped. Defaults to 1e-4.
    """

    def __init__(
        self, half_life: float, patience: float, least: float = 1e-4
    ) -> None:
        self.half_life = half_life
        self.patience = patience
        self.least = least
        self._weights: Dict[Hashable, float] = {}
        self._sums: Dict[Hashable, Scores] = {}
        self._unseen: Dict[Hashable, float] = {}

    def update(
        self,
        scores: Mapping[Hashable, Scores],
        seen: Iterable[Hashable],
        seconds: float,
    ) -> None:
        """Update the averages with a frame.

        Args:
            scores (Mapping[Hashable, Scores]): Pair to its scores by class.
            seen (Iterable[Hashable]): Pairs both of whose boxes are detected,
                with scores or without.
            seconds (float): Time since the previous frame.
        """
        old = 0.5 ** (seconds / self.half_life) if self.half_life else 0.0
        new = 1 - old or 1e-9
        for pair in self._unseen:
            self._unseen[pair] += seconds
        for pair in {*seen, *scores}:
            self._unseen[pair] = 0.0
            sums = self._sums.setdefault(pair, {})
            self._weights[pair] = old * self._weights.get(pair, 0.0) + new
            frame = scores.get(pair, {})
            for name in {*sums, *frame}:
                sums[name] = old * sums.get(name, 0.0) + new * frame.get(
                    name, 0.0
                )
                if sums[name] < self.least * self._weights[pair]:
                    del sums[name]
        for pair, unseen in list(self._unseen.items()):
            # Frame times are rounded.
            if unseen > self.patience and not math.isclose(
                unseen, self.patience
            ):
                for table in (self._weights, self._sums, self._unseen):
                    del table[pair]

    @property
    def pairs(self) -> KeysView:
        """Pairs that are tracked."""
        return self._sums.keys()

    def means(self) -> Dict[Hashable, Scores]:
        """Compute the smoothed scores of the tracked pairs."""
        return {
            pair: {
                name: total / self._weights[pair]
                for name, total in sums.items()
            }
            for pair, sums in self._sums.items()
        }
