from dataclasses import dataclass


@dataclass(frozen=True)
class LabelVariance:
    """Variance that teachers have in common, of a total of 1.

    A teacher names a class if a normal number is above a threshold. The
    number is the sum of a part of the class, which all images and teachers
    have in common, a part of the class in this image, which all teachers
    have in common, and each teacher's own part.

    Attributes:
        of_class (float): Variance of the class's part, its frequency's
            included.
        of_label (float): Variance of the part of the class in an image.
        frequency (float): Rise of the number for each standard deviation of
            the class's log frequency, at most the root of ``of_class``.
    """

    of_class: float
    of_label: float
    frequency: float

    def __post_init__(self) -> None:
        if not 0 <= self.frequency**2 <= self.of_class:
            raise ValueError(
                f'frequency={self.frequency!r} exceeds the variance '
                f'of_class={self.of_class!r}.'
            )
        if self.of_label < 0 or self.of_class + self.of_label > 1:
            raise ValueError(
                f'of_class={self.of_class!r} and of_label={self.of_label!r} '
                f'must be at least 0 and at most 1 together.'
            )


@dataclass(frozen=True)
class ErrorStatistics:
    """Kinds of a teacher's errors, and agreement of teachers.

    Attributes:
        other_verb (float): Share of the false labels that name another verb
            of an object in an interaction.
        unused_object (float): Share that name an object that is in the image
            and in no interaction. The rest name absent objects.
        max_unused_rate (float): At most so many labels of unused objects for
            each unused object of an image; what is left names absent objects.
        true (LabelVariance): Agreement in true labels.
        wrong_verb (LabelVariance): Agreement in other verbs.
        elsewhere (LabelVariance): Agreement in labels of other objects.
    """

    other_verb: float
    unused_object: float
    max_unused_rate: float
    true: LabelVariance
    wrong_verb: LabelVariance
    elsewhere: LabelVariance
