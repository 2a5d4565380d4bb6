"""Who does what in a parsed sentence, and whether it is said to be done."""

from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Optional, Tuple

from ..morphology import singular, verb_form
from .nouns import ANIMAL, HUMAN, META, THING, Noun, NounReader

if TYPE_CHECKING:
    from spacy.tokens import Token

# 'can be seen riding', 'seems to ride', 'starts to ride': it is done.
_SEEN = frozenset(
    'see find spot show observe picture capture depict visible photograph '
    'notice view catch feature'.split()
)
_REAL_TO = _SEEN | frozenset(
    'appear seem begin start continue manage proceed happen use come pause '
    'bend lean stop look help swing'.split()
)
_UNREAL = frozenset(
    'want hope plan intend need wish wait prepare decide expect like love '
    'learn refuse fail consider pretend aim dream hesitate ask promise '
    'threaten avoid prevent attempt try practice_to imagine suggest '
    'encourage allow finish'.split()
)
_UNSURE = frozenset(
    'likely probably possibly perhaps maybe potentially presumably '
    'possible probable unclear almost nearly unlikely'.split()
)
_UNREAL_WORDS = frozenset(
    'if whether unless before until without for instead from rather '
    'than to'.split()
)
_NEVER = frozenset("not never n't neither nor no hardly".split())
_PARTICLES = frozenset(
    'up down out off away over around back along together ahead on in '
    'aboard aloft through'.split()
)
_LIGHT = frozenset(
    'do perform make execute take have give land share exchange'.split()
)
# A person in the passive who does it: 'is seated on', 'dressed in'.
_POSED = frozenset(
    'seat perch position situate gather dress mount sprawl stretch curl '
    'huddle lie sit rest prop bend lean crouch kneel engage bundle'.split()
)
# What things do as well.
_STANDS = frozenset('sit lie rest stand lean hang float perch'.split())
_BE = frozenset("be is are was were been being am 's 're".split())
_FRONTS = frozenset('top front back'.split())
# Subjects of a small clause are objects: 'watches her ride'.
_WATCH = frozenset('watch observe see'.split())
# 'down the hill on a board': the second is no part of the first.
_WAYS = frozenset(
    'down up through across over along in into off past around inside'.split()
)
_ASIDE = frozenset('on in at atop with'.split())


class Argument(NamedTuple):
    """An object of a verb.

    Attributes:
        chain (Tuple[str, ...]): Particles and prepositions before it.
        token (Token): The noun.
        between (Tuple[str, ...]): The verb's own objects before it.
    """

    chain: Tuple[str, ...]
    token: 'Token'
    between: Tuple[str, ...] = ()


class Event(NamedTuple):
    """Something that a person does.

    Attributes:
        lemma (str): The verb.
        arguments (List[Argument]): What it is done with.
        plural (bool): Whether several persons do it.
        subject (Token, optional): Who does it, where that is said.
    """

    lemma: str
    arguments: List[Argument]
    plural: bool
    subject: Optional['Token'] = None


def lemma_of(token: 'Token') -> str:
    """A verb's lemma; the model's own takes 'riding' for 'rid'."""
    if token.lower_ in _BE:
        return 'be'
    form = verb_form(token.lower_)
    return form.lemma if form else token.lower_


class ClauseReader:
    """Finds what persons do.

    Args:
        nouns (NounReader): Knows who is a person.
    """

    def __init__(self, nouns: NounReader) -> None:
        self.nouns = nouns

    def is_verb(self, token: 'Token') -> bool:
        """Whether a token stands for a deed."""
        if self._is_hidden(token):
            return True
        if token.dep_ in ('aux', 'auxpass', 'compound', 'punct', 'mark'):
            return False
        if token.tag_[:2] == 'VB':
            return token.dep_ != 'amod' or token.i > token.head.i
        if token.dep_ in ('amod', 'det', 'nummod', 'poss', 'prep', 'case'):
            return False
        form = verb_form(token.lower_)
        if form is None or token.tag_[:2] not in ('NN', 'JJ'):
            return False
        if token.lower_.endswith('ing') or token.tag_ == 'JJ':
            return 'VBG' in form.tags or form.lemma in _POSED
        return (
            'VBZ' in form.tags
            and self._own_subject(token) is not None
            or (token.dep_ == 'conj' and token.head.tag_[:2] == 'VB')
        )

    def _is_hidden(self, token: 'Token') -> bool:
        return self._hidden_object(token) is not None

    def _hidden_object(self, token: 'Token') -> Optional['Token']:
        """What a verb is done with that the model takes for a noun.

        'someone washing cups', 'people exit trains', 'and races a horse'.
        """
        noun = token.tag_[:2] == 'NN' or token.lower_.endswith('ing')
        if not noun or not 0 < token.i < len(token.doc) - 1:
            return None
        form, before = verb_form(token.lower_), token.nbor(-1)
        person = self.nouns.is_person(before)
        if form is None or not (person or before.lower_ == 'and'):
            return None
        after = token.nbor(1)
        third = token.tag_ == 'NNS' and 'VBZ' in form.tags
        if after.tag_ in ('DT', 'PRP$') and third:
            return after.head if after.head.i > token.i else None
        if token.dep_ not in ('amod', 'compound') or token.head.i < token.i:
            return None
        many = before.tag_ == 'NNS' and 'VB' in form.tags
        if token.lower_.endswith('ing') or many:
            return token.head if person else None
        return token.head if third else None

    def _own_subject(self, token: 'Token') -> Optional['Token']:
        for child in token.children:
            if child.dep_ in ('nsubj', 'nsubjpass'):
                return child
        if token.tag_[:2] == 'NN' and not token.lower_.endswith('ing'):
            # The model takes 'a woman waves at' for a kind of waves.
            before = token.nbor(-1) if token.i else token
            if before.head == token and before.dep_ in ('compound', 'amod'):
                if self.nouns.is_person(before):
                    return before
            if self.nouns.is_lost_verb(token):
                return token.sent.root
        return None

    def read(self, token: 'Token') -> Optional[Event]:
        """What a verb says is done by a person, None where by nobody.

        Args:
            token (Token): A verb.
        """
        if not self._is_real(token):
            return None
        lemma = lemma_of(token)
        subject = self._subject(token)
        passive = self._is_passive(token)
        arguments = list(self._arguments(token))
        if passive:
            return self._passive(token, lemma, subject, arguments)
        doer = None if subject is None else self._doer(token, subject)
        if doer is not None and doer.kind != HUMAN:
            return None
        if doer is not None and self.nouns.is_nobody(subject):
            return None
        arguments += self._antecedent(token, arguments)
        plural = subject is not None and (
            subject.tag_ in ('NNS', 'NNPS')
            or len(list(self.nouns.group(subject))) > 1
            or subject.lower_ in ('they', 'both', 'all', 'couple', 'group')
        )
        return Event(lemma, arguments, plural, subject)

    def _passive(
        self,
        token: 'Token',
        lemma: str,
        subject: Optional['Token'],
        arguments: List[Argument],
    ) -> Optional[Event]:
        if subject is None or self.nouns.is_nobody(subject):
            return None
        patient = self.nouns.read(subject)
        if patient.kind == HUMAN and lemma in _POSED:
            return Event(lemma, arguments, False)
        agents = self._agents(token)
        if agents:
            kinds = [self.nouns.read(agent).kind for agent in agents]
            done = HUMAN in kinds or any(map(self._is_hand, agents))
            done = done and not self.nouns.is_nobody(agents[0])
        else:
            done = any(child.lower_ == 'being' for child in token.children)
        if not done:
            return None
        parts = self._particles(token)
        own = [Argument(parts, subject)]
        own += [
            Argument(x.chain, x.token, (self._head(subject),))
            for x in arguments
            if x.token not in agents
        ]
        return Event(lemma, own, False)

    def _agents(self, token: 'Token', depth: int = 0) -> List['Token']:
        """'washed and dried by two boys': by whom stands with the last."""
        agents = [
            part
            for child in token.children
            if child.dep_ == 'agent' or child.lower_ == 'by'
            for part in child.children
            if part.dep_ == 'pobj'
        ]
        for child in token.children if not agents and depth < 20 else ():
            if child.dep_ == 'conj' and child.tag_ == 'VBN':
                agents += self._agents(child, depth + 1)
        return agents

    def _is_passive(self, token: 'Token', depth: int = 0) -> bool:
        deps = {child.dep_ for child in token.children}
        if deps & {'auxpass', 'nsubjpass', 'agent'}:
            return True
        if token.tag_ == 'JJ':
            return True
        if token.tag_ not in ('VBN', 'VBD') or 'dobj' in deps:
            return False
        if token.tag_ == 'VBN' and 'aux' not in deps and 'nsubj' in deps:
            return True
        if token.dep_ == 'conj' and not deps & {'nsubj', 'aux'}:
            return depth < 20 and self._is_passive(token.head, depth + 1)
        return token.dep_ in ('acl', 'advcl', 'amod') and not deps & {
            'aux',
            'nsubj',
        }

    def _is_real(self, token: 'Token', depth: int = 0) -> bool:
        """Whether it is said to be done; hedged or negated it is not."""
        children = list(token.children)
        lemma = lemma_of(token)
        for child in children:
            low = child.lower_
            if child.dep_ == 'neg' or low in _NEVER:
                after = (
                    token.doc[child.i + 1]
                    if child.i + 1 < len(token.doc)
                    else child
                )
                if child.i < token.i and after.lower_ not in ('only', 'just'):
                    return False
            if low in _UNSURE and child.i < token.i:
                return False
            if child.tag_ == 'MD' and lemma not in _SEEN and lemma != 'be':
                return False
            if child.dep_ == 'mark' and low in _UNREAL_WORDS:
                if token.doc[max(child.i - 1, 0)].lower_ != 'as':
                    return False
        if token.i and token.doc[token.i - 1].lower_ in _UNSURE:
            return False
        head = token.head
        if head is token or depth > 20:
            return True
        above = lemma_of(head)
        if any(c.dep_ == 'aux' and c.tag_ == 'TO' for c in children):
            if above not in _REAL_TO or head.tag_[:2] not in ('VB', 'JJ'):
                return False
        elif token.dep_ in ('xcomp', 'ccomp', 'pcomp', 'advcl', 'dobj'):
            if above in _UNREAL and token.dep_ != 'advcl':
                return False
            if token.dep_ == 'pcomp' and head.lower_ in _UNREAL_WORDS:
                return False
            if token.dep_ == 'ccomp' and any(
                c.lower_ in _UNSURE for c in head.children
            ):
                return False
        own = {child.dep_ for child in children} & {'nsubj', 'aux', 'auxpass'}
        joined = (
            token.dep_ == 'conj'
            and not own
            and (
                token.tag_ == head.tag_
                and not any(c.lower_ == 'but' for c in head.children)
            )
        )
        if joined or token.dep_ in ('xcomp', 'dobj', 'pobj'):
            verbal = head.tag_[:2] == 'VB' or self.is_verb(head)
            return not verbal or self._is_real(head, depth + 1)
        if token.dep_ == 'pcomp':
            return self._is_real(head.head, depth + 1) or head.lower_ in (
                'while',
                'by',
            )
        return True

    def _subject(self, token: 'Token', depth: int = 0) -> Optional['Token']:
        own = self._own_subject(token)
        if own is not None:
            return own
        if self._is_hidden(token):
            before = token.nbor(-1)
            return before if before.lower_ != 'and' else self._above(token)
        head = token.head
        if head is token or depth > 20:
            return None
        if token.dep_ in ('acl', 'relcl'):
            return head
        if head.dep_ == 'prep' or head.tag_ == 'IN':
            head = head.head
        if head.tag_[:2] in ('NN', 'PR') and not self.is_verb(head):
            if token.dep_ == 'conj' and head.dep_ in ('dobj', 'pobj', 'attr'):
                return self._above(head)
            return head
        if lemma_of(head) == 'be':  # 'sitting on the table are two cups'
            for child in head.children:
                if child.dep_ == 'attr' and child.i > token.i:
                    return child
        if token.dep_ in ('xcomp', 'ccomp'):
            for child in head.children:
                if child.dep_ == 'dobj' and lemma_of(head) != 'use':
                    return child
        return self._subject(head, depth + 1)

    def _above(self, token: 'Token') -> Optional['Token']:
        """The subject of the clause that a noun stands in."""
        for above in token.ancestors:
            if self.is_verb(above):
                return self._subject(above)
        return None

    def _doer(self, token: 'Token', subject: 'Token') -> Noun:
        """Who does it; a participle's noun may be another's object."""
        doer = self.nouns.read(subject)
        group = [self.nouns.read(x) for x in self.nouns.group(subject)]
        for noun in group:
            if noun.kind == HUMAN:
                return noun
        deps = {child.dep_ for child in token.children}
        own = bool(deps & {'nsubj', 'nsubjpass'})
        edge = subject.left_edge.i
        if own and token.tag_ == 'VBG' and 'aux' not in deps and edge:
            # 'wearing a hat and gloves riding a bike': the gloves are worn.
            own = token.doc[edge - 1].lower_ != 'and'
        if doer.kind == THING and self._is_hand(subject):
            return doer._replace(kind=HUMAN)
        if (
            own
            or doer.kind not in (META, THING)
            or (doer.kind == THING and token.tag_ != 'VBG')
        ):
            return doer
        inside = doer.label < 0 and subject.dep_ in ('pobj', 'dobj', 'conj')
        stands = doer.kind == THING and lemma_of(token) in _STANDS
        if stands and not (
            inside or token.doc[max(token.i - 1, 0)].lower_ == ','
        ):
            return doer  # 'a cup sitting on the table'
        for above in subject.ancestors:
            if self.is_verb(above):
                found = self._subject(above)
                if found is None:
                    there = lemma_of(above) == 'be'
                    return doer if there else doer._replace(kind=HUMAN)
                noun = self.nouns.read(found)
                return self._shown(above, token) if noun.kind == META else noun
            noun = self.nouns.read(above)
            if above.tag_[:2] == 'NN' and noun.kind in (HUMAN, ANIMAL):
                return noun
        return self._shown(subject, token) if doer.kind == META else doer

    def _shown(self, above: 'Token', token: 'Token') -> Noun:
        """Whom a picture shows: the nearest animate noun before a verb."""
        for child in above.children:
            if child.dep_ == 'dobj' and child.i < token.i:
                noun = self.nouns.read(child)
                if noun.kind in (HUMAN, ANIMAL):
                    return noun
        for i in range(token.i - 1, token.sent.start, -1):
            if token.doc[i].tag_[:2] in ('NN', 'PR'):
                noun = self.nouns.read(token.doc[i])
                if noun.kind in (HUMAN, ANIMAL) and noun.token.tag_ != 'PRP$':
                    return noun
        return self.nouns.read(token)

    def _is_hand(self, token: 'Token') -> bool:
        of = [x for x in [token, self.nouns.whole(token)] if x is not None]
        for noun in of:
            if singular(noun.lower_) in ('hand', 'arm', 'finger'):
                owner = self.nouns.whole(noun)
                return owner is None or self.nouns.read(owner).kind != ANIMAL
        if self.nouns.is_pronoun(token):
            head = self.nouns.read(token).name
            return singular(head.split(' ')[-1]) in ('hand', 'arm')
        return False

    def _particles(self, token: 'Token') -> Tuple[str, ...]:
        return tuple(
            child.lower_
            for child in token.children
            if child.i > token.i
            and (
                (child.dep_ == 'prt' and not list(child.children))
                or (
                    child.dep_ in ('advmod', 'prep')
                    and child.lower_ in _PARTICLES
                    and not list(child.children)
                )
            )
        )

    def _head(self, token: 'Token') -> str:
        return singular(token.lower_)

    def _arguments(self, token: 'Token') -> Iterator[Argument]:
        """Objects by the words that lead to them, nearest words last."""
        parts = self._particles(token)
        hidden = self._hidden_object(token)
        if hidden is not None:
            yield Argument(parts, hidden)
        own = [
            child
            for child in token.children
            if child.dep_ == 'dobj'
            or child.dep_ in ('dative', 'attr', 'oprd')
            and child.tag_[:2] in ('NN', 'PR', 'CD', 'DT', 'WP', 'WD')
        ]
        own = [x for x in own if not self._is_of_next(token, x)]
        heads = tuple(self._head(x) for x in own if x.i > token.i)
        for noun in own:
            yield Argument(parts, noun)
            for other in self.nouns.group(noun):
                for chain, obj in self._prepositional(other):
                    yield Argument(chain, obj, (self._head(other),))
        direct = list(self._prepositional(token))
        if not own and not direct and token.dep_ == 'conj':
            direct = list(self._after_joined(token))
            for above in token.ancestors:
                for x in above.children:
                    if x.dep_ == 'dobj' and self._is_of_next(above, x, token):
                        yield Argument(parts, x)
        for chain, obj in direct:
            if chain == ('including',):
                yield Argument(parts, obj)
            if chain == ('with',) and self.nouns.place(obj):
                continue  # 'cuts it, with a fork in the other hand'
            yield Argument((*parts, *chain), obj, heads)
            for further, other in self._prepositional(obj):
                way = chain[0] in _WAYS or self.nouns.is_body(obj)
                apart = way and further[0] in _ASIDE
                if apart and self.nouns.read(obj).label < 0:
                    yield Argument(further, other, heads)
        for child in token.children:
            if child.dep_ == 'ccomp' and lemma_of(token) in _WATCH:
                for noun in child.children:
                    if noun.dep_ == 'nsubj' and noun.i > token.i:
                        yield Argument((), noun)
            if child.dep_ in ('advmod', 'npadvmod', 'acomp'):
                for chain, obj in self._prepositional(child):
                    if chain[0] in _ASIDE:
                        yield Argument(chain, obj, heads)

    @staticmethod
    def _is_of_next(
        token: 'Token', noun: 'Token', verb: Optional['Token'] = None
    ) -> bool:
        """'holds a ball and *races a bike*', both put to the first verb."""
        return any(
            x.dep_ == 'conj' and x.tag_[:2] == 'VB' and verb in (None, x)
            for x in token.doc[token.i + 1 : noun.i]
            if x.head.tag_[:2] == 'NN' and x.head.head == token
        )

    def _after_joined(
        self, token: 'Token'
    ) -> Iterator[Tuple[Tuple[str, ...], 'Token']]:
        """'eats cake and drinks *from a cup*', put to the first verb."""
        if token.i + 1 < len(token.doc):
            after = token.nbor(1)
            if after.dep_ == 'prep' and after.head in token.ancestors:
                yield from self._after(after, (after.lower_,))

    def _prepositional(
        self, token: 'Token'
    ) -> Iterator[Tuple[Tuple[str, ...], 'Token']]:
        for child in token.children:
            if child.dep_ in ('prep', 'dative', 'prt') and (
                child.i > token.i or child.lower_ == 'with'
            ):
                yield from self._after(child, (child.lower_,))

    def _after(
        self, prep: 'Token', chain: Tuple[str, ...]
    ) -> Iterator[Tuple[Tuple[str, ...], 'Token']]:
        for child in prep.children:
            if child.dep_ == 'pobj':
                of = self.nouns.whole(child)
                if (
                    child.lower_ in _FRONTS
                    and of is not None
                    and (child.i == prep.i + 1)
                ):
                    yield (*chain, child.lower_, 'of'), of
                    if child.lower_ == 'front':
                        continue
                yield chain, child
            elif child.dep_ == 'prep' and len(chain) < 3:
                yield from self._after(child, (*chain, child.lower_))

    def _antecedent(
        self, token: 'Token', known: List[Argument]
    ) -> Iterator[Argument]:
        """'the horse that she rides', 'the bench he is sitting on'."""
        if token.dep_ != 'relcl':
            return
        subjects = [c for c in token.children if c.dep_[:5] == 'nsubj']
        if not subjects or subjects[0].tag_ in ('WDT', 'WP'):
            return
        if any(self.nouns.is_pronoun(x.token) for x in known):
            return
        for child in token.children:
            if child.dep_ == 'prep' and not list(child.children):
                yield Argument((child.lower_,), token.head)
                return
        if not any(x.chain == () for x in known):
            yield Argument((), token.head)


def light_verb(event: Event) -> Iterator[Event]:
    """'performs a jump with it' says what 'jumps with it' says."""
    if event.lemma not in _LIGHT:
        return
    for argument in event.arguments:
        form = verb_form(singular(argument.token.lower_))
        if argument.chain or argument.between or form is None:
            continue
        if 'VB' in form.tags:
            yield Event(
                form.lemma,
                [
                    Argument(x.chain, x.token)
                    for x in event.arguments
                    if x.between
                ],
                event.plural,
            )
