from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .image_labels import ImageLabels
from .teacher_random import TeacherRandom

# Shares of the false positives: 70 % have a wrong verb of an object that is
# used in the image, 50 % of all by a fixed confusion.
_SHARES = dict(systematic=0.5, plausible=0.2, other=0.2, absent=0.1)
# Slope of the score over the evidence: systematic confusions have nearly the
# confidence of true positives, random errors less.
_SLOPES = dict(true=2.0, systematic=1.2, plausible=0.8, other=0.8, absent=0.8)
_SECONDARY = -0.6  # evidence of a verb beside a more usual one
_COMMON = 0.5  # evidence for each standard deviation of log frequency
_CONFUSED = -0.8  # evidence of a verb that is confused with another
_REGULARITY = 0.5  # spread over classes of the confusion's evidence


class _Candidates(NamedTuple):
    """Candidate HOI classes of one kind, with evidence."""

    hois: np.ndarray
    evidence: np.ndarray


class ConfusionLabelNoise:
    """Image-level noise with wrong verbs and fixed confusions.

    Each candidate class of an image has an evidence: a normal draw that
    depends on seed and key, and offsets for classes that VLLMs tend to miss
    or confuse. A first pass over all images sets the thresholds at
    which precision and recall are met; an image's labels then
    follow from its own draws alone. Scores are the evidence beyond the
    threshold, so that they overlap as the errors do.

    Args:
        images (Sequence[ImageLabels]): The data set at image level.
        vocabulary (HOIVocabulary): Its classes.
        precision (float): Share of the labels that are true.
        recall (float): Share of the true labels that are named.
        random (TeacherRandom): Random numbers.
    """

    def __init__(
        self,
        images: Sequence[ImageLabels],
        vocabulary: HOIVocabulary,
        precision: float,
        recall: float,
        random: TeacherRandom,
    ) -> None:
        self.images = images
        self.vocabulary = vocabulary
        self.precision = precision
        self.recall = recall
        self._random = random
        self._nameable = ~vocabulary.no_interaction_mask
        self._set_class_statistics()
        self._set_thresholds()

    def scores(self, image: ImageLabels) -> Dict[int, float]:
        """Draw the HOI classes of an image, with scores.

        Args:
            image (ImageLabels): An image of the data set.

        Returns:
            Dict[int, float]: Score in (0, 1) of each class mentioned.
        """
        draws = self._draws(image)
        drawn: Dict[int, float] = {}
        for kind, threshold in self._thresholds.items():
            found = self._candidates(kind, image, draws, list(drawn))
            margins = found.evidence - threshold
            for hoi in np.flatnonzero(margins >= 0):
                logit = _SLOPES[kind] * margins[hoi]
                drawn[int(found.hois[hoi])] = _score(logit)
        return drawn

    def _set_class_statistics(self) -> None:
        vocabulary = self.vocabulary
        counts = np.zeros(vocabulary.num_hois)
        for image in self.images:
            counts[list(image.hois)] += 1
        logs = np.log1p(counts)
        self._common = (logs - logs.mean()) / (logs.std() + 1e-6)
        count = vocabulary.num_hois
        # A confusion is in common with other teachers as a whole: axis 0.
        self._regular, pull = self._random.normal(
            'confusion', vocabulary.hash, (count,), (count, count), axis=0
        )
        # The confused class: a verb of the same object, mostly a frequent
        # one.
        pull += self._common
        same = vocabulary.hoi_objects[:, None] == vocabulary.hoi_objects
        pull[~same | ~self._nameable] = -np.inf
        np.fill_diagonal(pull, -np.inf)
        self._confused_with = np.where(
            np.isfinite(pull).any(1), pull.argmax(1), -1
        )

    def _set_thresholds(self) -> None:
        """Find the thresholds that meet precision and recall exactly.

        A threshold is the evidence of the last candidate that is needed.
        Confusions come first, since they lower the evidence of what they
        replace; what a kind of error lacks in candidates the next one gets.
        """
        num_true = sum(len(image.hois) for image in self.images)
        num_hits = round(self.recall * num_true)
        num_wrong = num_hits * (1 / self.precision - 1)
        draws = [self._draws(image) for image in self.images]
        drawn: List[List[int]] = [[] for _ in self.images]
        self._thresholds: Dict[str, float] = {}
        requested, got = 0.0, 0
        for kind in ('systematic', 'true', 'plausible', 'other', 'absent'):
            if kind == 'true':
                wanted = num_hits
            else:
                requested += _SHARES[kind] * num_wrong
                wanted = round(requested) - got
            found = [
                self._candidates(kind, *args)
                for args in zip(self.images, draws, drawn)
            ]
            evidence = np.concatenate([[np.inf]] + [x[1] for x in found])
            evidence = np.sort(evidence)[::-1]
            wanted = min(wanted, len(evidence) - 1)
            threshold = float(evidence[wanted])
            self._thresholds[kind] = threshold
            if kind != 'true':
                got += wanted
            for names, (hois, values) in zip(drawn, found):
                names.extend(hois[values >= threshold].tolist())

    def _candidates(
        self,
        kind: str,
        image: ImageLabels,
        draws: np.ndarray,
        drawn: List[int],
    ) -> _Candidates:
        """List the candidates of a kind, given drawn classes."""
        vocabulary = self.vocabulary
        objects, verbs = vocabulary.hoi_objects, vocabulary.hoi_verbs
        true = np.array(image.hois, np.int64)
        taken_for = self._confused_with[true]
        if kind == 'true':
            evidence = draws[0, true] + _COMMON * self._common[true]
            evidence += _SECONDARY * self._is_secondary(true)
            confused = _mask(drawn, len(objects))[taken_for] & (taken_for >= 0)
            evidence += _CONFUSED * confused
            return _Candidates(true, evidence)
        if kind == 'systematic':
            free = ~_mask(true, len(objects))[taken_for] & (taken_for >= 0)
            hois, first = np.unique(taken_for[free], return_index=True)
            by = true[free][first]
            return _Candidates(
                hois, draws[1, by] + _REGULARITY * self._regular[by]
            )
        present = _mask(image.objects, vocabulary.num_objects)[objects]
        if kind == 'absent':
            # A verb of the image, with an object that is absent.
            done = _mask(verbs[true], vocabulary.num_verbs)[verbs]
            mask = done & ~present
        elif vocabulary.person_label in image.objects:
            used = _mask(objects[true], vocabulary.num_objects)[objects]
            mask = used if kind == 'plausible' else present
        else:
            mask = np.zeros_like(present)
        known = _mask([*image.hois, *drawn], len(objects))
        hois = np.flatnonzero(mask & self._nameable & ~known)
        row = dict(plausible=2, other=3, absent=4)[kind]
        common = 0.0 if kind == 'other' else _COMMON
        return _Candidates(
            hois, draws[row, hois] + common * self._common[hois]
        )

    def _is_secondary(self, true: np.ndarray) -> np.ndarray:
        """Check for a more frequent true class of the object."""
        objects = self.vocabulary.hoi_objects[true]
        same = objects[:, None] == objects[None]
        usual = self._common[true]
        return (same & (usual[None] > usual[:, None])).any(1)

    def _draws(self, image: ImageLabels) -> np.ndarray:
        """Draw normal numbers by kind and class, (5, C)."""
        shape = (5, self.vocabulary.num_hois)
        return self._random.normal('evidence', image.key, shape)[0]


def _mask(labels: Sequence[int], size: int) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[np.asarray(labels, np.int64)] = True
    return mask


def _score(logit: float) -> float:
    return round(float(1 / (1 + np.exp(0.5 - logit))), 4)
