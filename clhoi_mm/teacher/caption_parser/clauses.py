"""Who does what in a parsed sentence, and whether it is said to be done."""

from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Optional, Tuple

from ..morphology import singular, verb_form
from .nouns import ANIMAL, HUMAN, META, THING, WORDS, NounReader, sub

if TYPE_CHECKING:
    from spacy.tokens import Token


class Argument(NamedTuple):
    """An object of a verb, the words that lead to it, and the objects before.

    'cuts cake with a knife': chain ('with',), knife, between ('cake',).
    """

    chain: Tuple[str, ...]
    token: 'Token'
    between: Tuple[str, ...] = ()


class Event(NamedTuple):
    """Something that a person does."""

    lemma: str
    arguments: List[Argument]
    subject: Optional['Token'] = None


def lemma_of(token: 'Token') -> str:
    """A verb's lemma; the model's own takes 'riding' for 'rid'."""
    form = verb_form(token.lower_)
    low = form.lemma if form else token.lower_
    return 'be' if token.lower_ in WORDS['be'] else low


class ClauseReader:
    """Finds what persons do.

    Args:
        nouns (NounReader): Knows who is a person.
    """

    def __init__(self, nouns: NounReader) -> None:
        self.nouns = nouns

    def is_verb(self, token: 'Token') -> bool:
        """Whether a token stands for a deed."""
        form = verb_form(token.lower_)
        if form is None or self._hidden(token) is not None:
            return form is not None
        if token.dep_ in ('aux', 'auxpass', 'compound', 'punct', 'mark'):
            return False
        if token.tag_[:2] == 'VB':
            return token.dep_ != 'amod' or token.i > token.head.i
        if token.dep_ in ('amod', 'det', 'nummod', 'poss', 'prep', 'case'):
            return False
        if token.lower_.endswith('ing') or token.tag_ == 'JJ':
            return 'VBG' in form.tags or form.lemma in WORDS['posed']
        return token.tag_[:2] == 'NN' and (
            'VBZ' in form.tags and self._own_subject(token) is not None
        )

    def read(self, token: 'Token') -> Optional[Event]:
        """What a verb says is done by a person, None where by nobody."""
        if not self._is_real(token):
            return None
        lemma, subject = lemma_of(token), self._subject(token)
        arguments = list(self._arguments(token))
        if subject is not None and self.nouns.is_nobody(subject):
            return None
        if self._is_passive(token):
            return self._passive(token, lemma, subject, arguments)
        if subject is not None and not self._is_done(token, subject):
            return None
        return Event(lemma, arguments, subject)

    def _passive(
        self,
        token: 'Token',
        lemma: str,
        subject: Optional['Token'],
        arguments: List[Argument],
    ) -> Optional[Event]:
        if subject is None:
            return None
        if self.nouns.read(subject).kind == HUMAN and lemma in WORDS['posed']:
            return Event(lemma, arguments)  # 'is seated on'
        agents = self._agents(token)
        if not agents and not any(x.lower_ == 'being' for x in token.children):
            return None
        if agents and not any(map(self._is_human, agents)):
            return None
        head = (singular(subject.lower_),)
        return Event(
            lemma,
            [Argument(self._particles(token), subject)]
            + [Argument(x.chain, x.token, head) for x in arguments],
        )

    def _agents(self, token: 'Token') -> List['Token']:
        """'washed and dried by two boys': by whom stands with the last."""
        verbs = [token, *(x for x in sub(token, 'conj') if x.tag_ == 'VBN')]
        return [
            noun
            for verb in verbs
            for by in sub(verb, 'agent')
            for noun in sub(by, 'pobj')
        ]

    def _is_human(self, token: 'Token') -> bool:
        """Whether it is a person, or a person's hand."""
        if self.nouns.read(token).kind == HUMAN:
            return not self.nouns.is_nobody(token)
        of = self.nouns.whole(token)
        name = self.nouns.read(token).name.split(' ')[-1]
        if singular(name) in ('hand', 'arm') and not sub(token, 'poss'):
            return True
        return of is not None and (
            singular(of.lower_) in ('hand', 'arm')
            or singular(name) in ('hand', 'arm')
            and self.nouns.read(of).kind == HUMAN
        )

    def _is_passive(self, token: 'Token') -> bool:
        deps = {child.dep_ for child in token.children}
        if deps & {'auxpass', 'nsubjpass', 'agent'} or token.tag_ == 'JJ':
            return True
        if token.tag_ not in ('VBN', 'VBD') or 'dobj' in deps:
            return False
        bare = not deps & {'nsubj', 'aux'}
        if token.dep_ == 'conj' and bare and token.head.dep_ != 'conj':
            return self._is_passive(token.head)
        part = token.dep_ in ('acl', 'advcl', 'conj') and bare
        return part or (
            token.tag_ == 'VBN' and 'nsubj' in deps and 'aux' not in deps
        )

    def _is_real(self, token: 'Token', depth: int = 0) -> bool:
        """Whether it is said to be done; hedged or negated it is not."""
        lemma, head, doc = lemma_of(token), token.head, token.doc
        for child in token.children:
            low, first = child.lower_, child.i < token.i
            if first and (child.dep_ == 'neg' or low in WORDS['never']):
                if doc[child.i + 1].lower_ not in ('only', 'just'):
                    return False
            if first and low in WORDS['unsure']:
                return False
            if child.tag_ == 'MD' and lemma not in WORDS['seen'] | {'be'}:
                return False
            if child.dep_ == 'mark' and low in WORDS['not_yet']:
                if doc[max(child.i - 1, 0)].lower_ != 'as':
                    return False
        if token.i and doc[token.i - 1].lower_ in WORDS['unsure']:
            return False
        if head is token or depth > 20:
            return True
        above, deps = lemma_of(head), {child.dep_ for child in token.children}
        if any(child.tag_ == 'TO' for child in sub(token, 'aux')):
            if above not in WORDS['real'] or head.tag_[:2] not in ('VB', 'JJ'):
                return False
        elif token.dep_ in ('xcomp', 'ccomp', 'pcomp', 'dobj'):
            unsure = any(x.lower_ in WORDS['unsure'] for x in head.children)
            if above in WORDS['unreal'] or (token.dep_ == 'ccomp' and unsure):
                return False
            if token.dep_ == 'pcomp':
                if head.lower_ in WORDS['not_yet']:
                    return False
                return self._is_real(head.head, depth + 1)
        joined = token.dep_ == 'conj' and not deps & {
            'nsubj',
            'aux',
            'auxpass',
        }
        if joined:
            but = any(x.lower_ == 'but' for x in head.children)
            joined = token.tag_ == head.tag_ and not but
        if joined or token.dep_ in ('xcomp', 'dobj', 'pobj'):
            return not self.is_verb(head) or self._is_real(head, depth + 1)
        return True

    def _own_subject(self, token: 'Token') -> Optional['Token']:
        for child in sub(token, 'nsubj', 'nsubjpass'):
            return child
        if token.tag_[:2] == 'NN' and not token.lower_.endswith('ing'):
            # The model takes 'a woman waves at' for a kind of waves.
            before = token.nbor(-1) if token.i else token
            if before.head == token and before.dep_ in ('compound', 'amod'):
                if self.nouns.is_person(before):
                    return before
        return None

    def _subject(self, token: 'Token', depth: int = 0) -> Optional['Token']:
        own, head = self._own_subject(token), token.head
        if own is None and self._hidden(token) is not None:
            own = token.nbor(-1)
            own = own if self.nouns.is_person(own) else None
        if own is not None or head is token or depth > 20:
            return own
        if token.dep_ in ('acl', 'relcl'):
            return head
        if head.dep_ == 'prep' or head.tag_ == 'IN':
            head = head.head
        if head.tag_[:2] in ('NN', 'PR') and not self.is_verb(head):
            if token.dep_ == 'conj' and head.dep_ in ('dobj', 'pobj', 'attr'):
                for above in head.ancestors:
                    if self.is_verb(above):
                        return self._subject(above, depth + 1)
            return head
        found = sub(head, 'dobj') if token.dep_ in ('xcomp', 'ccomp') else []
        if lemma_of(head) == 'be':  # 'sitting on the table are two cups'
            found = [x for x in sub(head, 'attr') if x.i > token.i]
        if found and lemma_of(head) != 'use':
            return found[0]
        return self._subject(head, depth + 1)

    def _is_done(self, token: 'Token', subject: 'Token') -> bool:
        """Whether a person does it; a thing's participle is who is near's."""
        if any(map(self._is_human, self.nouns.group(subject))):
            return True
        doer, doc = self.nouns.read(subject), token.doc
        deps, edge = {x.dep_ for x in token.children}, subject.left_edge.i
        own = deps & {'nsubj', 'nsubjpass'}
        if own and token.tag_ == 'VBG' and 'aux' not in deps and edge:
            # 'wearing a hat and gloves riding a bike': the gloves are worn.
            own = doc[edge - 1].lower_ != 'and'
        if own or doer.kind not in (META, THING):
            return False
        if doer.kind == THING:
            lies = lemma_of(token) in WORDS['stands'] and (
                doer.label >= 0 or subject.dep_ not in ('pobj', 'dobj', 'conj')
            )
            if token.tag_ != 'VBG' or (lies and doc[token.i - 1].text != ','):
                return False  # 'a cup sitting on the table'
        for other in reversed(list(doc[token.sent.start : token.i])):
            kind = self.nouns.read(other).kind
            if other.tag_[:2] in ('NN', 'PR') and other.tag_ != 'PRP$':
                if kind in (HUMAN, ANIMAL):
                    return kind == HUMAN
        return False

    def _hidden(self, token: 'Token') -> Optional['Token']:
        """What a verb is done with that the model takes for a noun.

        'someone washing cups', 'people exit trains', 'and races a horse'.
        """
        gerund = token.lower_.endswith('ing')
        noun = token.tag_[:2] == 'NN' or gerund
        if not noun or not 0 < token.i < len(token.doc) - 1:
            return None
        form, before = verb_form(token.lower_), token.nbor(-1)
        person, after = self.nouns.is_person(before), token.nbor(1)
        if form is None or not (person or before.lower_ == 'and'):
            return None
        third = token.tag_ == 'NNS' and 'VBZ' in form.tags
        if after.tag_ in ('DT', 'PRP$') and third:
            return after.head if after.head.i > token.i else None
        if token.dep_ not in ('amod', 'compound') or token.head.i < token.i:
            return None
        many = before.tag_ == 'NNS' and 'VB' in form.tags
        if (gerund or many) and person or third:
            return token.head
        return None

    def _particles(self, token: 'Token') -> Tuple[str, ...]:
        return tuple(
            child.lower_
            for child in sub(token, 'prt', 'advmod', 'prep')
            if child.i > token.i and not list(child.children)
            if child.dep_ == 'prt' or child.lower_ in WORDS['particles']
        )

    def _arguments(self, token: 'Token') -> Iterator[Argument]:
        """Objects by the words that lead to them."""
        parts, hidden = self._particles(token), self._hidden(token)
        own = [x for x in (hidden,) if x is not None] + [
            x
            for x in sub(token, 'dobj', 'dative', 'attr', 'oprd')
            if x.dep_ == 'dobj' or x.tag_[:2] in ('NN', 'PR', 'CD', 'DT')
        ]
        heads = tuple(singular(x.lower_) for x in own if x.i > token.i)
        for noun in own:
            yield Argument(parts, noun)
            for other in self.nouns.group(noun):
                for chain, obj in self._prepositional(other):
                    yield Argument(chain, obj, (singular(other.lower_),))
        direct = list(self._prepositional(token))
        if token.dep_ == 'conj' and not own:
            direct += self._left_by_joined(token)
        for chain, obj in direct:
            if chain == ('including',):
                yield Argument(parts, obj)
            if chain == ('with',) and self.nouns.place(obj):
                continue  # 'cuts it, with a fork in the other hand'
            yield Argument((*parts, *chain), obj, heads)
            body = self.nouns.words['body'] | {'back'}
            way = chain[0] in WORDS['ways'] or singular(obj.lower_) in body
            for further, other in self._prepositional(obj):
                if way and further[0] in WORDS['aside']:
                    yield Argument(further, other, heads)
        for child in sub(token, 'advmod', 'npadvmod', 'acomp'):
            for chain, obj in self._prepositional(child):
                if chain[0] in WORDS['aside']:
                    yield Argument(chain, obj, heads)
        if lemma_of(token) in ('watch', 'observe', 'see'):
            for child in sub(token, 'ccomp'):  # 'watches her ride'
                for noun in sub(child, 'nsubj'):
                    yield Argument((), noun)
        if token.dep_ == 'relcl':
            yield from self._antecedent(token, not own)

    def _antecedent(self, token: 'Token', bare: bool) -> Iterator[Argument]:
        """'the horse that she rides', 'the bench he is sitting on'."""
        subject = sub(token, 'nsubj', 'nsubjpass')
        if subject and subject[0].tag_ not in ('WDT', 'WP'):
            for child in sub(token, 'prep'):
                if not list(child.children):
                    yield Argument((child.lower_,), token.head)
                    return
            if bare:
                yield Argument((), token.head)

    def _left_by_joined(
        self, token: 'Token'
    ) -> Iterator[Tuple[Tuple[str, ...], 'Token']]:
        """'eats cake and drinks *from a cup*', put to the first verb."""
        after = token.doc[min(token.i + 1, len(token.doc) - 1)]
        if after.dep_ == 'prep' and after.head in token.ancestors:
            yield from self._after(after, (after.lower_,))

    def _prepositional(
        self, token: 'Token'
    ) -> Iterator[Tuple[Tuple[str, ...], 'Token']]:
        for child in sub(token, 'prep', 'dative', 'prt'):
            if child.i > token.i or child.lower_ == 'with':
                yield from self._after(child, (child.lower_,))

    def _after(
        self, prep: 'Token', chain: Tuple[str, ...]
    ) -> Iterator[Tuple[Tuple[str, ...], 'Token']]:
        for child in sub(prep, 'pobj'):
            of = self.nouns.whole(child)
            close = child.i == prep.i + 1 and of is not None
            if close and child.lower_ in ('top', 'front', 'back'):
                yield (*chain, child.lower_, 'of'), of
                if child.lower_ == 'front':
                    continue
            yield chain, child
        for child in sub(prep, 'prep') if len(chain) < 3 else ():
            yield from self._after(child, (*chain, child.lower_))
