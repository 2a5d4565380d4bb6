from typing import List, Optional

from .chunks import NounPhrase


class Context:
    """What earlier sentences named, for pronouns."""

    def __init__(self) -> None:
        self.things: List[NounPhrase] = []
        self.subject: Optional[NounPhrase] = None

    def name(self, phrase: NounPhrase) -> None:
        """Remember what a phrase names."""
        if phrase.kind in ('thing', 'animal') and phrase.obj >= 0:
            self.things.append(phrase)

    def resolve(self, phrase: NounPhrase, subject: bool) -> NounPhrase:
        """What a pronoun stands for; itself where nothing is known."""
        many = phrase.head in ('they', 'them', 'both', 'all', 'these', 'those')
        last = self.subject
        if subject and (
            many
            or phrase.head
            in (
                'one',
                'another',
                'some',
                'others',
                'other',
                'each',
                'two',
                'several',
                'few',
                'any',
                'three',
                'neither',
                'many',
                'this',
                'both',
            )
        ):
            if last is not None and not last.human and last.kind == 'animal':
                return self._copy(last, phrase)
            human = (
                self._copy(last, phrase)
                if last and last.human
                else NounPhrase('person', 'human', plural=phrase.plural)
            )
            human.negated = phrase.negated
            return human
        if phrase.head in ('him', 'himself', 'herself', 'themselves'):
            return NounPhrase('person', 'human')
        if (
            phrase.head == 'it'
            or many
            or phrase.head in ('one', 'another', 'other')
        ):
            for thing in reversed(self.things):
                if phrase.head == 'it' and thing.plural:
                    continue
                return self._copy(thing, phrase)
            if phrase.head == 'it' and self.things:
                return self._copy(self.things[-1], phrase)
            if phrase.head == 'another':
                return NounPhrase('person', 'human')
        if phrase.head == 'them':
            return NounPhrase('person', 'human')
        return phrase

    @staticmethod
    def _copy(source: NounPhrase, pronoun: NounPhrase) -> NounPhrase:
        found = NounPhrase(
            source.head,
            source.kind,
            source.obj,
            source.label,
            source.plural,
            pronoun.negated,
        )
        found.group = list(source.group)
        if pronoun.head in ('it', 'one', 'another'):
            found.group = [found]
        return found
