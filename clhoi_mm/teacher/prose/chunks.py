"""What a sentence is made of: noun phrases, verb groups, small words."""

from dataclasses import dataclass, field
from typing import FrozenSet, List, Optional, Tuple, Union


@dataclass
class NounPhrase:
    """A noun phrase.

    Attributes:
        head (str): Lemma of its last noun.
        kind (str): 'human', 'animal', 'thing', 'art' (a picture of one),
            'meta' (the image itself) or 'pronoun' before it is resolved.
        obj (int): The vocabulary's label of what it names, or -1.
        label (str): Its words without determiners.
        plural (bool): Whether it names several.
        negated (bool): 'no bicycle', 'nobody'.
        bare (bool): No determiner or adjective stands before it.
        owner (NounPhrase, optional): Whose part it is: "the dog's head".
        group (List[NounPhrase]): It and what it is coordinated with.
        places (List[NounPhrase]): What it is in or on: 'a man in a boat'.
    """

    head: str
    kind: str
    obj: int = -1
    label: str = ''
    plural: bool = False
    negated: bool = False
    bare: bool = False
    owner: Optional['NounPhrase'] = None
    # Phrases of a group hold each other: comparing them would not end.
    group: List['NounPhrase'] = field(default_factory=list, compare=False)
    places: List['NounPhrase'] = field(default_factory=list, compare=False)

    def __post_init__(self) -> None:
        self.group = [self]

    @property
    def human(self) -> bool:
        """Whether a person acts: alone or among others."""
        return any(part.kind == 'human' for part in self.group)

    @property
    def nobody(self) -> bool:
        return any(part.negated for part in self.group)


@dataclass
class VerbGroup:
    """A verb with its auxiliaries.

    Attributes:
        lemma (str): The verb.
        form (str): 'finite', 'VBG', 'VBN' or 'VB' of the whole group.
        passive (bool): 'is ridden'.
        being (bool): 'is being ridden'.
        negated (bool): 'is not riding'.
        unreal (bool): 'might ride', 'is about to ride'.
        infinitive (bool): 'to ride'.
    """

    lemma: str
    form: str
    passive: bool = False
    being: bool = False
    negated: bool = False
    unreal: bool = False
    infinitive: bool = False


@dataclass
class Mark:
    """Any other word: kind 'prep', 'and', 'comma', 'rel', 'sub', 'adverb',
    'unreal', 'not', 'there' or 'other'."""

    kind: str
    word: str


Chunk = Union[NounPhrase, VerbGroup, Mark]


@dataclass
class Word:
    """A token with what it can be.

    Attributes:
        text (str): As written.
        low (str): Lower case, spelling corrected.
        pos (FrozenSet[str]): NOUN, VERB, ADJ, ADV.
        verb (str): The verb's lemma, if it can be one.
        tags (FrozenSet[str]): The verb's forms.
        phrase (Tuple[str, int, str], optional): Set where several words are
            one name: its words, its object label and kind.
    """

    text: str
    low: str
    pos: FrozenSet[str] = frozenset()
    verb: str = ''
    tags: FrozenSet[str] = frozenset()
    phrase: Optional[Tuple[str, int, str]] = None
