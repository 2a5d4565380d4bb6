"""Who does what to which things."""

from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional

from .chunks import NounPhrase, VerbGroup


class Argument(NamedTuple):
    """A thing that a verb reaches.

    Attributes:
        chain (List[str]): The words just before it; empty for an object.
        phrase (NounPhrase): The thing.
        between (List[str]): Heads of the objects before it.
    """

    chain: List[str]
    phrase: NounPhrase
    between: List[str]


@dataclass
class Event:
    """A verb, who does it, and the things it reaches.

    Attributes:
        verb (VerbGroup): The verb.
        agent (NounPhrase, optional): Who does it, as far as it is said.
        negated (bool): It is said not to be done.
        unreal (bool): It is said to be possible, wanted or to come.
        patient (NounPhrase, optional): Of a passive, what it is done to.
        arguments (List[Argument]): The things it reaches.
        awaited (NounPhrase, optional): 'the cup' of 'the cup that he holds'.
        stranded (List[str]): Prepositions after which no thing came.
        tools (List[NounPhrase]): 'a knife' of 'With a knife, he cuts'.
        closed (bool): Whether it reaches no further things.
        shares (Event, optional): Whose objects are its own: 'peels' and
            'eats' in 'peels and eats an apple'.
    """

    verb: VerbGroup
    agent: Optional[NounPhrase]
    negated: bool = False
    unreal: bool = False
    patient: Optional[NounPhrase] = None
    arguments: List[Argument] = field(default_factory=list)
    awaited: Optional[NounPhrase] = None
    stranded: List[str] = field(default_factory=list)
    tools: List[NounPhrase] = field(default_factory=list)
    closed: bool = False
    shares: Optional['Event'] = None

    @property
    def passive(self) -> bool:
        return self.patient is not None

    @property
    def objects(self) -> List[NounPhrase]:
        return [arg.phrase for arg in self.arguments if not arg.chain]
