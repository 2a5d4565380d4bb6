"""Scores of interactions that do not flicker."""

import math
from typing import Dict, Hashable, Iterable, KeysView, Mapping

Scores = Dict[Hashable, float]


class ScoreSmoother:
    """Running means of the scores of a video's pairs.

    A frame's weight falls by half in ``half_life`` seconds. The means are over
    the frames in which a pair was seen: a frame without it says nothing, and
    a class that is not among the scores of a pair that was seen counts as 0.

    Args:
        half_life (float): Seconds; 0 leaves scores as they are.
        patience (float): Seconds after which a pair that is not seen is
            forgotten.
        least (float): Means below are forgotten. Defaults to 1e-4.
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
        """Take in a frame.

        Args:
            scores (Mapping[Hashable, Scores]): Of pairs, by class.
            seen (Iterable[Hashable]): Pairs both of whose boxes were found,
                with scores or without.
            seconds (float): Time since the frame before.
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
            # Times of frames are no round numbers.
            if unseen > self.patience and not math.isclose(
                unseen, self.patience
            ):
                for table in (self._weights, self._sums, self._unseen):
                    del table[pair]

    @property
    def pairs(self) -> KeysView:
        """Pairs that are not forgotten."""
        return self._sums.keys()

    def means(self) -> Dict[Hashable, Scores]:
        """Smoothed scores of the pairs that are not forgotten."""
        return {
            pair: {
                name: total / self._weights[pair]
                for name, total in sums.items()
            }
            for pair, sums in self._sums.items()
        }
