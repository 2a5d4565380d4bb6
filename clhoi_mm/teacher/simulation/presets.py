from dataclasses import dataclass
from typing import Dict, Optional

from .error_statistics import ErrorStatistics, LabelVariance


@dataclass(frozen=True)
class TeacherPreset:
    """Quality of a simulated VLLM.

    Attributes:
        precision (float): Share of the (image, HOI class) pairs it mentions
            that are true.
        recall (float): Share of the true pairs that it mentions.
        scene_accuracy (float): Share of the images whose scene it names
            right.
        malformed (float): Share of its structured answers that are not
            well-formed.
        errors (ErrorStatistics, optional): Measured kinds of errors and
            agreement. Defaults to None: mostly wrong verbs of objects in an
            interaction, half of them fixed confusions.
    """

    precision: float
    recall: float
    scene_accuracy: float
    malformed: float = 0.015
    errors: Optional[ErrorStatistics] = None


# Captions of 398 V-COCO images by eleven VLLMs (docs/teacher.md). Scenes and
# malformed answers are those of the typical teacher.
_MEASURED = ErrorStatistics(
    other_verb=0.28,
    unused_object=0.51,
    max_unused_rate=0.25,
    true=LabelVariance(of_class=0.46, of_label=0.16, frequency=0.15),
    wrong_verb=LabelVariance(of_class=0.41, of_label=0.18, frequency=0.4),
    elsewhere=LabelVariance(of_class=0.2, of_label=0.53, frequency=0.4),
)


PRESETS: Dict[str, TeacherPreset] = dict(
    weak=TeacherPreset(0.40, 0.55, 0.75),
    typical=TeacherPreset(0.55, 0.60, 0.85),
    strong=TeacherPreset(0.70, 0.70, 0.93),
    perfect=TeacherPreset(1.0, 1.0, 1.0, malformed=0.0),
    measured=TeacherPreset(0.66, 0.33, 0.85, errors=_MEASURED),
)


def get_preset(name: str) -> TeacherPreset:
    """Look up a preset by name.

    Args:
        name (str): 'weak', 'typical', 'strong', 'perfect' or 'measured'.

    Returns:
        TeacherPreset: The preset.
    """
    if name not in PRESETS:
        raise KeyError(
            f'teacher preset: unknown {name!r}; there are {", ".join(PRESETS)}'
        )
    return PRESETS[name]
