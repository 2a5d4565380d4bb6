"""Actions of persons in a parsed sentence."""

from typing import Iterator, NamedTuple, Optional

from clhoi_mm.utils.morphology import singular, verb_form

from .nouns import (
    ANIMAL,
    HUMAN,
    META,
    THING,
    WORDS,
    NounReader,
    Token,
    children,
    sub,
)

Chain = tuple[str, ...]


class Argument(NamedTuple):
    """Object of a verb; 'cuts *cake* with a knife' has one between."""

    chain: Chain
    token: Token
    between: Chain = ()


class Event(NamedTuple):
    """Action of a person."""

    lemma: str
    arguments: list[Argument]
    subject: Optional[Token] = None


def lemma_of(token: Token) -> str:
    """Get a verb's lemma; spaCy's lemma of 'riding' is 'rid'."""
    form = verb_form(token.lower_)
    low = form.lemma if form else token.lower_
    return 'be' if token.lower_ in WORDS['be'] else low


class ClauseReader:
    """Finder of actions of persons."""

    def __init__(self, nouns: NounReader) -> None:
        self.nouns = nouns

    def is_verb(self, token: Token) -> bool:
        """Check whether a token stands for an action."""
        form, tag = verb_form(token.lower_), token.tag_[:2]
        if form is None or token.dep_ in ('aux', 'auxpass', 'compound'):
            return False
        if tag == 'VB':
            return token.dep_ != 'amod' or token.i > token.head.i
        if token.dep_ in ('amod', 'det', 'nummod', 'poss', 'prep', 'mark'):
            return False
        if token.lower_.endswith('ing') or tag == 'JJ':
            return 'VBG' in form.tags or form.lemma in WORDS['posed']
        return tag == 'NN' and 'VBZ' in form.tags and self._own(token)

    def read(self, token: Token) -> Optional[Event]:
        """Read a verb's action; None where its subject is no person."""
        if not self.is_verb(token) or not self._is_real(token):
            return None
        lemma, subject = lemma_of(token), self._subject(token)
        arguments, passive = list(self._arguments(token)), self._passive(token)
        if subject is None:
            return None if passive else Event(lemma, arguments)
        if self.nouns.is_negated(subject):
            return None
        if not passive:
            done = self._is_done(token, subject)
            return Event(lemma, arguments, subject) if done else None
        if self.nouns.read(subject).kind == HUMAN and lemma in WORDS['posed']:
            return Event(lemma, arguments)  # 'is seated on'
        verbs = [token, *(x for x in sub(token, 'conj') if x.tag_ == 'VBN')]
        by = [x for verb in verbs for x in sub(verb, 'agent')]
        agents = [noun for x in by for noun in sub(x, 'pobj')]
        being = any(x.lower_ == 'being' for x in children(token))
        if not (any(map(self._is_human, agents)) if agents else being):
            return None
        head = (singular(subject.lower_),)
        others = [x._replace(between=head) for x in arguments]
        return Event(lemma, [Argument(self._parts(token), subject), *others])

    def _is_human(self, token: Token) -> bool:
        """Check for a person or a person's hand."""
        noun, of = self.nouns.read(token), self.nouns.whole(token)
        if noun.kind == HUMAN:
            return not self.nouns.is_negated(token)
        hands = {singular(noun.name.split(' ')[-1])}
        hands |= {singular(of.lower_)} if of else set()
        animal = of is not None and self.nouns.read(of).kind == ANIMAL
        return bool(hands & {'hand', 'arm'}) and not animal

    def _passive(self, token: Token) -> bool:
        deps = {child.dep_ for child in children(token)}
        if deps & {'auxpass', 'nsubjpass', 'agent'} or token.tag_ == 'JJ':
            return True
        if token.tag_ not in ('VBN', 'VBD') or 'dobj' in deps:
            return False
        if deps & {'nsubj', 'aux'}:
            return token.tag_ == 'VBN' and 'aux' not in deps
        if token.dep_ == 'conj' and token.head.dep_ != 'conj':
            return self._passive(token.head)
        return token.dep_ in ('acl', 'advcl', 'conj')

    def _is_denied(self, token: Token) -> bool:
        """Check for a word that negates or hedges the verb."""
        doc = token.doc
        for child in children(token):
            low, first = child.lower_, child.i < token.i
            not_ = child.dep_ == 'neg' or low in WORDS['never']
            only = doc[child.i : child.i + 2][-1].lower_ in ('only', 'just')
            if first and (low in WORDS['unsure'] or (not_ and not only)):
                return True
            if child.tag_ == 'MD' and lemma_of(token) not in WORDS['seen']:
                return True
            as_if = doc[max(child.i - 1, 0)].lower_ == 'as'
            if child.dep_ == 'mark' and low in WORDS['not_yet'] and not as_if:
                return True
        return doc[max(token.i - 1, 0)].lower_ in WORDS['unsure']

    def _is_real(self, token: Token, depth: int = 0) -> bool:
        """Check that the action is stated, not hedged or negated."""
        head, dep = token.head, token.dep_
        if self._is_denied(token):
            return False
        if head is token or depth > 20:
            return True
        if any(child.tag_ == 'TO' for child in sub(token, 'aux')):
            verb = head.tag_[:2] in ('VB', 'JJ')
            if lemma_of(head) not in WORDS['real'] or not verb:
                return False
        elif dep in ('xcomp', 'ccomp', 'pcomp', 'dobj'):
            if lemma_of(head) in WORDS['unreal']:
                return False
            if dep == 'ccomp':  # 'it is possible that'
                return not {x.lower_ for x in children(head)} & WORDS['unsure']
            if dep == 'pcomp':
                apart = head.lower_ in WORDS['not_yet']
                return not apart and self._is_real(head.head, depth + 1)
        joined = dep == 'conj' and token.tag_ == head.tag_
        joined = joined and not sub(token, 'nsubj', 'aux', 'auxpass')
        if (joined or dep in ('xcomp', 'dobj', 'pobj')) and self.is_verb(head):
            return self._is_real(head, depth + 1)
        return True

    def _own(self, token: Token) -> Optional[Token]:
        found = sub(token, 'nsubj', 'nsubjpass')
        if token.tag_ == 'NNS':  # taken for a noun in 'a woman waves at'
            near = [x for x in sub(token, 'compound') if x.i == token.i - 1]
            found += [x for x in near if self.nouns.is_person(x)]
        return found[0] if found else None

    def _subject(self, token: Token, depth: int = 0) -> Optional[Token]:
        own, head = self._own(token), token.head
        if own is not None or head is token or depth > 20:
            return own
        if token.dep_ in ('acl', 'relcl'):
            return head
        head = head.head if head.tag_ == 'IN' else head
        if head.tag_[:2] in ('NN', 'PR') and not self.is_verb(head):
            verbs = [x for x in head.ancestors if self.is_verb(x)]
            joined = token.dep_ == 'conj' and head.dep_[1:] in ('obj', 'ttr')
            return self._subject(verbs[0], 20) if joined and verbs else head
        found = sub(head, 'dobj') if token.dep_ in ('xcomp', 'ccomp') else []
        if lemma_of(head) == 'be':  # 'sitting on the table are two cups'
            found = [x for x in sub(head, 'attr') if x.i > token.i]
        use = lemma_of(head) == 'use' or not found
        return self._subject(head, depth + 1) if use else found[0]

    def _is_done(self, token: Token, subject: Token) -> bool:
        """Check whether the subject, or a person near it, acts."""
        if any(map(self._is_human, self.nouns.group(subject))):
            return True
        actor, doc = self.nouns.read(subject), token.doc
        if self._own(token) or actor.kind not in (META, THING):
            return False
        if actor.kind == THING:
            inside = subject.dep_ in ('pobj', 'dobj', 'conj')
            free = (
                inside
                and actor.label < 0
                or doc[max(token.i - 1, 0)].text == ','
            )
            lies = lemma_of(token) in WORDS['stands'] and not free
            if lies or token.tag_ != 'VBG':
                return False  # 'a cup sitting on the table'
        for other in reversed(list(doc[token.sent.start : token.i])):
            kind = self.nouns.read(other).kind
            if kind in (HUMAN, ANIMAL) and other.tag_ != 'PRP$':
                return kind == HUMAN
        return False

    def _parts(self, token: Token) -> Chain:
        """List a verb's particles."""
        after = [x for x in sub(token, 'prt', 'advmod', 'prep') if x > token]
        bare = [x for x in after if not children(x)]
        return tuple(x.lower_ for x in bare if x.lower_ in WORDS['particles'])

    def _arguments(self, token: Token) -> Iterator[Argument]:
        """Yield objects with the words that lead to them."""
        parts, own = self._parts(token), sub(token, 'dobj')
        for noun in sub(token, 'dative', 'attr', 'oprd'):
            own += [noun] if noun.tag_[:2] in ('NN', 'PR', 'CD', 'DT') else []
        heads = tuple(singular(x.lower_) for x in own if x.i > token.i)
        for noun in own:
            yield Argument(parts, noun)
            for other in self.nouns.group(noun):
                for chain, obj in self._prepositional(other):
                    yield Argument(chain, obj, (singular(other.lower_),))
        for chain, obj in self._prepositional(token):
            if chain == ('including',):
                yield Argument(parts, obj)
            # Not 'cuts it, with a fork in the other hand'.
            if chain != ('with',) or not self.nouns.place(obj)[1]:
                yield Argument((*parts, *chain), obj, heads)
        near = sub(token, 'advmod', 'npadvmod', 'acomp')
        further = (pair for x in near for pair in self._prepositional(x))
        aside = [pair for pair in further if pair[0][0] in WORDS['aside']]
        yield from (Argument(*pair, heads) for pair in aside)
        subject = self._own(token)
        if token.dep_ == 'relcl' and subject and subject.tag_[0] != 'W':
            # 'the horse that she rides', 'the bench he is sitting on'
            bare = [x for x in sub(token, 'prep') if not children(x)]
            if bare or not own:
                yield Argument(tuple(x.lower_ for x in bare[:1]), token.head)

    def _prepositional(self, token: Token) -> Iterator[tuple[Chain, Token]]:
        preps = [((x.lower_,), x) for x in sub(token, 'prep', 'dative', 'prt')]
        while preps:
            chain, prep = preps.pop(0)
            if prep.i < token.i and chain[0] != 'with':
                continue
            for child in sub(prep, 'pobj'):
                of = self.nouns.whole(child)
                front = child.lower_ == 'front' and of is not None
                yield (
                    ((*chain, 'front', 'of'), of) if front else (chain, child)
                )
            inner = [((*chain, x.lower_), x) for x in sub(prep, 'prep')]
            preps[:0] = inner if len(chain) < 3 else []
