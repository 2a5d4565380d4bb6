"""Parser of phrases such as 'ride horse'."""

import difflib
import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from clhoi_mm.teacher.parsing.lexicon import Lexicon, load_words
from clhoi_mm.utils.english import gerund, third_person
from clhoi_mm.utils.morphology import singular, verb_form
from clhoi_mm.vocabulary import HOIVocabulary, normalize_name

# Words around a verb and an object that do not change the class.
DETERMINERS = frozenset(
    'a an the this these those my your his her its their our another each '
    'every some any all both no either neither several many few various most '
    'other two three four five six seven eight nine ten one multiple '
    'numerous certain such what whose more half dozens dozen'.split()
)
PREPOSITIONS = frozenset(
    'on onto upon in into inside within at to toward towards from of off with '
    'without by for over under underneath beneath below above behind beside '
    'besides near next through across along alongside around between among '
    'against atop astride aboard out up down away past about before after '
    'during amid amidst outside back together via like beyond despite '
    'throughout except plus per versus opposite ahead forward apart aside '
    'onboard abreast'.split()
)
_RELATIVES = frozenset('who which that whom'.split())
_BE = frozenset('be is are was were been being am'.split())


@dataclass
class PhraseVocabulary:
    """Vocabulary of parsed phrases.

    Attributes:
        vocabulary (HOIVocabulary): Vocabulary of the detector's objects with
            the phrases as classes.
        texts (List[str]): The given phrase of each class.
    """

    vocabulary: HOIVocabulary
    texts: List[str]


class PhraseReader:
    """Parser of phrases with a verb and an object.

    Args:
        vocabulary (HOIVocabulary): The detector's vocabulary.
    """

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        self.known = {
            normalize_name(text): (int(verb), int(obj))
            for texts in (
                vocabulary.names,
                vocabulary.phrases,
                vocabulary.sentences,
            )
            for text, verb, obj in zip(
                texts, vocabulary.hoi_verbs, vocabulary.hoi_objects
            )
        }
        self.verbs: Dict[str, int] = {}
        for label, (verb, form) in enumerate(
            zip(vocabulary.verbs, vocabulary.gerunds)
        ):
            for spelling in (verb, form, gerund(verb), third_person(verb)):
                self.verbs.setdefault(normalize_name(spelling), label)

    def read(self, phrases: Sequence[str]) -> PhraseVocabulary:
        """Make a vocabulary of phrases.

        Args:
            phrases (Sequence[str]): Phrases of a verb and an object; a person,
                if named, comes first.

        Raises:
            ValueError: If a phrase has no object of the detector, no verb, or
                further words.
        """
        if isinstance(phrases, str) or not len(phrases):
            raise ValueError(
                'vocabulary: give a list of phrases, such as '
                "['ride horse', 'a person feeding a dog']"
            )
        verbs: Dict[str, str] = {}
        classes: Dict[Tuple[str, int], str] = {}
        for phrase in phrases:
            verb, form, obj = self._read(str(phrase))
            verbs.setdefault(verb, form)
            classes.setdefault((verb, obj), str(phrase).strip())
        positions = {verb: i for i, verb in enumerate(verbs)}
        return PhraseVocabulary(
            HOIVocabulary(
                name='phrases',
                objects=self.vocabulary.objects,
                verbs=list(verbs),
                gerunds=list(verbs.values()),
                hois=[(positions[verb], obj) for verb, obj in classes],
                source='vocabulary',
            ),
            list(classes.values()),
        )

    def _read(self, phrase: str) -> Tuple[str, str, int]:
        """Parse a phrase as verb, gerund, and object label."""
        text = normalize_name(re.sub(r"[^\w\s'-]", ' ', phrase).strip())
        if text in self.known:
            verb, obj = self.known[text]
            return (*self._own(verb, phrase), obj)
        words = text.split()
        obj, rest = self._split_object(_without_person(words), phrase)
        if not rest:
            # In 'groom the dog', groom is no person.
            obj, rest = self._split_object(words, phrase)
        return (*self._verb(rest, phrase), obj)

    def _own(self, label: int, phrase: str) -> Tuple[str, str]:
        verb = self.vocabulary.verbs[label]
        if verb == self.vocabulary.no_interaction:
            raise ValueError(
                f'vocabulary: {phrase!r}: no_interaction is scored by the '
                'other classes of an object; it cannot be a phrase'
            )
        return verb, self.vocabulary.gerunds[label]

    def _split_object(
        self, words: List[str], phrase: str
    ) -> Tuple[int, List[str]]:
        """Return the object's label and the words before it."""
        match = self._find_object(words)
        if match is None:
            close = difflib.get_close_matches(
                ' '.join(words[-1:]), self.vocabulary.objects, 3, 0.7
            )
            names = close or self.vocabulary.objects
            raise ValueError(
                f'vocabulary: {phrase!r} does not end in an object that this '
                f'detector knows; it knows {", ".join(names[:90])}'
                f'{" among others" if close else ""}'
            )
        label, size = match
        words = words[:-size]
        while words and words[-1] in DETERMINERS:
            words = words[:-1]
        return label, words

    def _find_object(self, words: List[str]) -> Optional[Tuple[int, int]]:
        """Return the object's label and its number of words."""
        vocabulary = self.vocabulary
        for size in range(len(words), 0, -1):
            label = vocabulary.object_label(' '.join(words[-size:]))
            if label >= 0:
                return label, size
        match = Lexicon(vocabulary).find_object(words) if words else None
        if match is None and words and _is_person(words[-1]):
            match = vocabulary.person_label, 1
        return match

    def _verb(self, words: List[str], phrase: str) -> Tuple[str, str]:
        text = ' '.join(words)
        if text in self.verbs:
            return self._own(self.verbs[text], phrase)
        form = verb_form(words[0]) if words else None
        if form is None:
            raise ValueError(
                f'vocabulary: {phrase!r} has no verb; write a verb and an '
                "object, as in 'ride horse' or 'a person feeding a dog'"
            )
        extra = [
            word
            for word in words[1:]
            if word not in PREPOSITIONS | DETERMINERS
        ] or [word for word in words[1:] if word not in PREPOSITIONS]
        if extra:
            raise ValueError(
                f'vocabulary: {phrase!r} has more than a verb and an '
                f'object: {" ".join(extra)}; leave it out'
            )
        verb = ' '.join([form.lemma, *words[1:]])
        if verb in self.verbs:
            return self._own(self.verbs[verb], phrase)
        if 'VBG' in form.tags:
            return verb, text
        return verb, gerund(verb)


def _is_person(word: str) -> bool:
    return (
        word in ('someone', 'somebody', 'people')
        or singular(word) in load_words()['persons']
    )


def _without_person(words: List[str]) -> List[str]:
    """Remove the person: 'a person who is riding a horse'."""
    rest = list(words)
    while rest and rest[0] in DETERMINERS:
        rest = rest[1:]
    if len(rest) < 2 or not _is_person(rest[0]):
        return words
    rest = rest[1:]
    while rest and rest[0] in _BE | _RELATIVES:
        rest = rest[1:]
    return rest


def find_classes(
    wanted: Sequence[str], vocabulary: HOIVocabulary
) -> np.ndarray:
    """Build a filter of verbs and objects from names.

    Args:
        wanted (Sequence[str]): Classes ('ride horse'), verbs ('ride') or
            objects ('horse').
        vocabulary (HOIVocabulary): Vocabulary of the names.

    Returns:
        np.ndarray: Verbs by objects, with a last column for no object, (V, O
        + 1).

    Raises:
        ValueError: If a name is unknown.
    """
    if isinstance(wanted, str) or not len(wanted):
        raise ValueError(
            "classes: give a list of names, such as ['ride "
            "horse', 'feed', 'dog']"
        )
    mask = np.zeros((vocabulary.num_verbs, vocabulary.num_objects + 1), bool)
    classes = {
        normalize_name(text): label
        for texts in (vocabulary.phrases, vocabulary.names)
        for label, text in enumerate(texts)
    }
    for name in wanted:
        label = classes.get(normalize_name(name), -1)
        verb, obj = vocabulary.verb_label(name), vocabulary.object_label(name)
        if max(label, verb, obj) < 0:
            names = [*vocabulary.names, *vocabulary.verbs, *vocabulary.objects]
            close = difflib.get_close_matches(name, names, 5, 0.5)
            hint = (
                f'did you mean {", ".join(close)}?'
                if close
                else f'there are {", ".join(vocabulary.names[:20])}, ...'
            )
            raise ValueError(
                f'classes: {name!r} is no class, verb or object '
                f'of the vocabulary; {hint}'
            )
        if label >= 0:
            mask[
                vocabulary.hoi_verbs[label], vocabulary.hoi_objects[label]
            ] = True
        if verb >= 0:
            mask[verb] = True
        if obj >= 0:
            mask[:, obj] = True
    return mask
