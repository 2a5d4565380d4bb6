from dataclasses import dataclass


@dataclass(frozen=True)
class ParsedInteraction:
    """An interaction that a text says a person does.

    Attributes:
        verb (str): As the vocabulary spells it, or the verb's lemma with
            its particle where it has none.
        object (str): As the vocabulary spells it, or the noun's words.
        in_vocabulary (bool): Whether the pair is one of its classes.
        invalid_pair (bool): Whether it knows both and has no such class.
    """

    verb: str
    object: str
    in_vocabulary: bool
    invalid_pair: bool = False
