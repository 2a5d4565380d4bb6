from dataclasses import dataclass
from typing import Dict


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
    """

    precision: float
    recall: float
    scene_accuracy: float
    malformed: float = 0.015


PRESETS: Dict[str, TeacherPreset] = dict(
    weak=TeacherPreset(0.40, 0.55, 0.75),
    typical=TeacherPreset(0.55, 0.60, 0.85),
    strong=TeacherPreset(0.70, 0.70, 0.93),
    perfect=TeacherPreset(1.0, 1.0, 1.0, malformed=0.0),
)


def get_preset(name: str) -> TeacherPreset:
    """Look up a preset by name.

    Args:
        name (str): 'weak', 'typical', 'strong' or 'perfect'.

    Returns:
        TeacherPreset: The preset.
    """
    if name not in PRESETS:
        raise KeyError(
            f'teacher preset: unknown {name!r}; there are {", ".join(PRESETS)}'
        )
    return PRESETS[name]
