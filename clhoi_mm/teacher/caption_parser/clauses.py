"""Who does what in a parsed sentence, and whether it is said to be done."""

from typing import Iterator, NamedTuple, Optional

from ..morphology import singular, verb_form
from .nouns import ANIMAL, HUMAN, META, THING, WORDS, NounReader, Token, sub

Chain = tuple[str, ...]


class Argument(NamedTuple):
    """An object of a verb: 'cuts *cake* with a knife' has it between."""

    chain: Chain
    token: Token
    between: Chain = ()


class Event(NamedTuple):
    """Something that a person does."""

    lemma: str
    arguments: list[Argument]
    subject: Optional[Token] = None


def lemma_of(token: Token) -> str:
    """A verb's lemma; the model's own takes 'riding' for 'rid'."""
    form = verb_form(token.lower_)
    low = form.lemma if form else token.lower_
    return 'be' if token.lower_ in WORDS['be'] else low


class ClauseReader:
    """Finds what persons do."""

    def __init__(self, nouns: NounReader) -> None:
        self.nouns = nouns

    def is_verb(self, token: Token) -> bool:
        """Whether a token stands for a deed."""
        form, tag = verb_form(token.lower_), token.tag_[:2]
        if form is None or token.dep_ in ('aux', 'auxpass', 'compound'):
            return False
        if tag == 'VB':
            return token.dep_ != 'amod' or token.i > token.head.i
        if token.dep_ in ('amod', 'det', 'nummod', 'poss', 'prep', 'mark'):
            return False
        if token.lower_.endswith('ing') or tag == 'JJ':
            return 'VBG' in form.tags or form.lemma in WORDS['posed']
        third = tag == 'NN' and 'VBZ' in form.tags
        return third and self._own_subject(token) is not None

    def read(self, token: Token) -> Optional[Event]:
        """What a verb says is done by a person, None where by nobody."""
        if not self._is_real(token):
            return None
        lemma, subject = lemma_of(token), self._subject(token)
        arguments = list(self._arguments(token))
        if subject is None:
            passive = self._is_passive(token)
            return None if passive else Event(lemma, arguments)
        if self.nouns.is_nobody(subject):
            return None
        if not self._is_passive(token):
            done = self._is_done(token, subject)
            return Event(lemma, arguments, subject) if done else None
        if self.nouns.read(subject).kind == HUMAN and lemma in WORDS['posed']:
            return Event(lemma, arguments)  # 'is seated on'
        verbs = [token, *(x for x in sub(token, 'conj') if x.tag_ == 'VBN')]
        by = [x for verb in verbs for x in sub(verb, 'agent')]
        agents = [noun for x in by for noun in sub(x, 'pobj')]
        being = any(x.lower_ == 'being' for x in token.children)
        if not (any(map(self._is_human, agents)) if agents else being):
            return None
        head = (singular(subject.lower_),)
        others = [Argument(x.chain, x.token, head) for x in arguments]
        own = Argument(self._particles(token), subject)
        return Event(lemma, [own, *others])

    def _is_human(self, token: Token) -> bool:
        """Whether it is a person, or a person's hand."""
        noun, of = self.nouns.read(token), self.nouns.whole(token)
        if noun.kind == HUMAN:
            return not self.nouns.is_nobody(token)
        hands = [noun.name.split(' ')[-1], of.lower_ if of else '']
        hand = bool({singular(x) for x in hands if x} & {'hand', 'arm'})
        return hand and (of is None or self.nouns.read(of).kind != ANIMAL)

    def _is_passive(self, token: Token) -> bool:
        deps = {child.dep_ for child in token.children}
        if deps & {'auxpass', 'nsubjpass', 'agent'} or token.tag_ == 'JJ':
            return True
        if token.tag_ not in ('VBN', 'VBD') or 'dobj' in deps:
            return False
        if deps & {'nsubj', 'aux'}:
            return token.tag_ == 'VBN' and 'aux' not in deps
        if token.dep_ == 'conj' and token.head.dep_ != 'conj':
            return self._is_passive(token.head)
        return token.dep_ in ('acl', 'advcl', 'conj')

    def _is_real(self, token: Token, depth: int = 0) -> bool:
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
        above, dep = lemma_of(head), token.dep_
        if head is token or depth > 20:
            return True
        if any(child.tag_ == 'TO' for child in sub(token, 'aux')):
            if above not in WORDS['real'] or head.tag_[:2] not in ('VB', 'JJ'):
                return False
        elif dep in ('xcomp', 'ccomp', 'pcomp', 'dobj'):
            unsure = any(x.lower_ in WORDS['unsure'] for x in head.children)
            if above in WORDS['unreal'] or (dep == 'ccomp' and unsure):
                return False
            if dep == 'pcomp':
                apart = head.lower_ in WORDS['not_yet']
                return not apart and self._is_real(head.head, depth + 1)
        if dep == 'conj' and not sub(token, 'nsubj', 'aux', 'auxpass'):
            dep = 'xcomp' if token.tag_ == head.tag_ else dep
        if dep in ('xcomp', 'dobj', 'pobj') and self.is_verb(head):
            return self._is_real(head, depth + 1)
        return True

    def _own_subject(self, token: Token) -> Optional[Token]:
        for child in sub(token, 'nsubj', 'nsubjpass'):
            return child
        before = token.doc[max(token.i - 1, 0)]
        if token.tag_ != 'NNS' or before.head != token:
            return None
        # The model takes 'a woman waves at' for a kind of waves.
        words = {before.lower_, singular(before.lower_)}
        return before if words & self.nouns.words[HUMAN] else None

    def _subject(self, token: Token, depth: int = 0) -> Optional[Token]:
        own, head = self._own_subject(token), token.head
        if own is not None or head is token or depth > 20:
            return own
        if token.dep_ in ('acl', 'relcl'):
            return head
        if head.dep_ == 'prep' or head.tag_ == 'IN':
            head = head.head
        if head.tag_[:2] in ('NN', 'PR') and not self.is_verb(head):
            verbs = [x for x in head.ancestors if self.is_verb(x)]
            joined = token.dep_ == 'conj' and head.dep_[1:] in ('obj', 'ttr')
            return self._subject(verbs[0], 20) if joined and verbs else head
        found = sub(head, 'dobj') if token.dep_ in ('xcomp', 'ccomp') else []
        if lemma_of(head) == 'be':  # 'sitting on the table are two cups'
            found = [x for x in sub(head, 'attr') if x.i > token.i]
        if found and lemma_of(head) != 'use':
            return found[0]
        return self._subject(head, depth + 1)

    def _is_done(self, token: Token, subject: Token) -> bool:
        """Whether a person does it; a thing's participle is who is near's."""
        if any(map(self._is_human, self.nouns.group(subject))):
            return True
        doer, doc, deps = self.nouns.read(subject), token.doc, subject.dep_
        own = sub(token, 'nsubj', 'nsubjpass')
        if own or doer.kind not in (META, THING):
            return False
        if doer.kind == THING:
            inside = doer.label < 0 and deps in ('pobj', 'dobj', 'conj')
            lies = lemma_of(token) in WORDS['stands'] and not inside
            if token.tag_ != 'VBG' or (lies and doc[token.i - 1].text != ','):
                return False  # 'a cup sitting on the table'
        for other in reversed(list(doc[token.sent.start : token.i])):
            if other.tag_ in ('NN', 'NNS', 'NNP', 'PRP'):
                kind = self.nouns.read(other).kind
                if kind in (HUMAN, ANIMAL):
                    return kind == HUMAN
        return False

    def _particles(self, token: Token) -> Chain:
        after = [x for x in sub(token, 'prt', 'advmod', 'prep') if x > token]
        bare = [x for x in after if not list(x.children)]
        words = [x.lower_ for x in bare if x.dep_ == 'prt']
        loose = [x.lower_ for x in bare if x.dep_ != 'prt']
        return (*words, *(x for x in loose if x in WORDS['particles']))

    def _arguments(self, token: Token) -> Iterator[Argument]:
        """Objects by the words that lead to them."""
        parts, own = self._particles(token), sub(token, 'dobj')
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
            if chain == ('with',) and self.nouns.place(obj)[1]:
                continue  # 'cuts it, with a fork in the other hand'
            yield Argument((*parts, *chain), obj, heads)
        for child in sub(token, 'advmod', 'npadvmod', 'acomp'):
            for chain, obj in self._prepositional(child):
                if chain[0] in WORDS['aside']:
                    yield Argument(chain, obj, heads)
        tags = {x.tag_ for x in sub(token, 'nsubj', 'nsubjpass')}
        if token.dep_ == 'relcl' and tags and not tags & {'WDT', 'WP'}:
            # 'the horse that she rides', 'the bench he is sitting on'
            bare = [x for x in sub(token, 'prep') if not list(x.children)]
            if bare or not own:
                chain = tuple(x.lower_ for x in bare[:1])
                yield Argument(chain, token.head)

    def _prepositional(self, token: Token) -> Iterator[tuple[Chain, Token]]:
        preps = [((x.lower_,), x) for x in sub(token, 'prep', 'dative', 'prt')]
        while preps:
            chain, prep = preps.pop(0)
            if prep.i < token.i and chain[0] != 'with':
                continue
            for child in sub(prep, 'pobj'):
                of = self.nouns.whole(child)
                if child.lower_ == 'front' and of is not None:
                    yield (*chain, 'front', 'of'), of
                else:
                    yield chain, child
            inner = [((*chain, x.lower_), x) for x in sub(prep, 'prep')]
            preps[:0] = inner if len(chain) < 3 else []
