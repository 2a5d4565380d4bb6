from typing import Any, Dict, Iterable, NamedTuple, Optional, Tuple

# Box of the human and of the object, xyxy in pixels of the image.
PointedPair = Tuple[float, float, float, float, float, float, float, float]


class Interaction(NamedTuple):
    """(verb, object) pair of an image, from answer to cache.

    A tuple, since millions are sorted and sent between processes.

    Attributes:
        verb (str): The vocabulary's name, else the verb as written.
        object (str): The vocabulary's name, else the noun as written.
        score (float, optional): Confidence in [0, 1]; None where the answer
            is prose, which states none.
        in_vocabulary (bool): Whether the pair is a class of the vocabulary.
        invalid_pair (bool): Whether the vocabulary has the verb and the
            object, but no class for the pair.
        source (str): Kinds of the answers that name it, joined by '+'.
        pointed (Tuple[PointedPair, ...]): Pairs of detections that the
            teacher points at, asked which pair it is.
    """

    verb: str
    object: str
    score: Optional[float] = None
    in_vocabulary: bool = False
    invalid_pair: bool = False
    source: str = ''
    pointed: Tuple[PointedPair, ...] = ()

    def to_dict(self) -> Dict[str, Any]:
        """Return the fields of the parsed layer."""
        fields = dict(
            verb=self.verb,
            object=self.object,
            score=self.score,
            in_vocabulary=self.in_vocabulary,
            source=self.source,
        )
        if self.pointed:
            fields['pointed'] = [list(pair) for pair in self.pointed]
        return fields


def max_score(interactions: Iterable[Interaction]) -> Optional[float]:
    """Return the highest score, None where no interaction has one."""
    return max(
        (x.score for x in interactions if x.score is not None), default=None
    )
