"""Lemmas and forms of English words, by lemminflect."""

import re
from functools import lru_cache
from typing import FrozenSet, NamedTuple, Optional

_TAGS = ('VB', 'VBZ', 'VBG', 'VBD', 'VBN')
# Verbs that the tables lack, and forms that captions use as they please.
_EXTRA = {
    'texting': ('text', 'VBG'), 'texts': ('text', 'VBZ'),
    'texted': ('text', 'VBD VBN'), 'text': ('text', 'VB'),
    'skateboarding': ('skateboard', 'VBG'),
    'skateboards': ('skateboard', 'VBZ'),
    'snowboarding': ('snowboard', 'VBG'), 'snowboards': ('snowboard', 'VBZ'),
    'skiing': ('ski', 'VBG'), 'skis': ('ski', 'VBZ'),
    'lasso': ('lasso', 'VB'), 'lassoing': ('lasso', 'VBG'),
    'lassos': ('lasso', 'VBZ'), 'lassoes': ('lasso', 'VBZ'),
    'kickflips': ('kickflip', 'VBZ'), 'kickflipping': ('kickflip', 'VBG'),
    'ollies': ('ollie', 'VBZ'), 'ollieing': ('ollie', 'VBG'),
    'petting': ('pet', 'VBG'), 'putting': ('put', 'VBG'),
    'seated': ('seat', 'VBD VBN'), 'saw': ('see', 'VBD'),
    'ground': ('grind', 'VBD VBN'), 'wound': ('wind', 'VBD VBN'),
    'lay': ('lie', 'VBD VB'), 'laying': ('lie', 'VBG'),
    'lays': ('lie', 'VBZ'), 'laid': ('lie', 'VBD VBN'),
    'found': ('find', 'VBD VBN'), 'felt': ('feel', 'VBD VBN'),
    'left': ('leave', 'VBD VBN'), 'wore': ('wear', 'VBD'),
    'lit': ('light', 'VBD VBN'), 'fed': ('feed', 'VBD VBN'),
    'shorn': ('shear', 'VBN'), 'sheared': ('shear', 'VBD VBN'),
}  # fmt: skip


class VerbForm(NamedTuple):
    """Lemma and tags of a word read as a verb."""

    lemma: str
    tags: FrozenSet[str]


@lru_cache(maxsize=65536)
def verb_form(word: str) -> Optional[VerbForm]:
    """Analyze a lower-case word as a verb's form."""
    if word in _EXTRA:
        lemma, tags = _EXTRA[word]
        return VerbForm(lemma, frozenset(tags.split()))
    import lemminflect

    for lemma in sorted(
        lemminflect.getAllLemmas(word).get('VERB', ()),
        key=lambda lemma: (word not in _regular(lemma), -len(lemma)),
    ):
        tags = frozenset(
            tag
            for tag in _TAGS
            if word in lemminflect.getInflection(lemma, tag)
        )
        if tags:
            return VerbForm(lemma, tags)
    return None


def _regular(lemma: str) -> tuple:
    stem = lemma[:-1] if lemma.endswith('e') else lemma
    return lemma, lemma + 's', stem + 'ing', stem + 'ed'


@lru_cache(maxsize=65536)
def noun_lemma(word: str) -> Optional[str]:
    """Look up a lower-case noun's singular, else None."""
    import lemminflect

    lemmas = lemminflect.getAllLemmas(word, upos='NOUN').get('NOUN', ())
    return min(lemmas, key=len) if lemmas else None


@lru_cache(maxsize=65536)
def parts_of_speech(word: str) -> FrozenSet[str]:
    """List a word's possible parts: NOUN, VERB, ADJ, ADV."""
    import lemminflect

    found = set(lemminflect.getAllLemmas(word))
    if verb_form(word):
        found.add('VERB')
    return frozenset(found)


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """Get a word's singular by table, else by rule."""
    lemma = noun_lemma(word)
    if lemma:
        return lemma
    if re.search(r'(?:[sxz]|ch|sh)es$', word):
        return word[:-2]
    if word.endswith('ies') and len(word) > 4:
        return word[:-3] + 'y'
    if word.endswith('s') and not word.endswith(('ss', 'us')):
        return word[:-1]
    return word
