"""Lexicon of a vocabulary: names of objects, patterns of verbs."""

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from clhoi_mm.utils.english import gerund, plural, third_person
from clhoi_mm.utils.morphology import parts_of_speech, singular, verb_form
from clhoi_mm.vocabulary import HOIVocabulary, normalize_name

from ..interaction import Interaction

DATA_DIR = Path(__file__).parent / 'data'
_ROLES = (' obj', ' instr')
# Particles without a meaning in any vocabulary: 'wash down'.
_LOOSE = frozenset(
    'up down out off away over around back along through together ahead '
    'forward aside apart'.split()
)
_PARTICLES = frozenset('up down out off away back'.split())
# Verbs with a preposition that are interactions outside any vocabulary.
_OPEN = {
    ('play', 'with'),
    ('lean', 'on'),
    ('lean', 'against'),
    ('pose', 'with'),
    ('reach', 'for'),
    ('kneel', 'on'),
    ('crouch', 'on'),
    ('dance', 'with'),
    ('work', 'on'),
    ('listen', 'to'),
    ('hang', 'from'),
    ('hang', 'onto'),
    ('talk', 'to'),
    ('look', 'at'),
    ('wrestle', 'with'),
    ('swim', 'with'),
    ('wait', 'for'),
    ('practice', 'with'),
    ('train', 'with'),
}
# Verbs that are derived from an object's name.
DENOMINAL = {
    'ski': 'skis', 'skateboard': 'skateboard', 'snowboard': 'snowboard',
    'surf': 'surfboard', 'cycle': 'bicycle', 'bike': 'bicycle',
    'bicycle': 'bicycle', 'horse': 'horse', 'dribble': 'sports ball',
}  # fmt: skip


class Reading(NamedTuple):
    """Meaning of a verb with an object in the vocabulary.

    Attributes:
        verb (str): The vocabulary's name, or the words where it has none.
        known (bool): Whether the vocabulary has the verb.
        valid (bool): Whether (verb, object) is one of its classes.
    """

    verb: str
    known: bool
    valid: bool


@lru_cache(maxsize=None)
def load_words() -> Dict[str, frozenset]:
    """Load the lists of nouns and adverbs by kind."""
    content = json.loads((DATA_DIR / 'words.json').read_text('utf-8'))
    return {kind: frozenset(words) for kind, words in content.items()}


@lru_cache(maxsize=None)
def load_table(name: str) -> dict:
    """Load a table of ``data``."""
    return json.loads((DATA_DIR / name).read_text('utf-8'))


class Lexicon:
    """Everyday names of a vocabulary's objects and verbs.

    Args:
        vocabulary (HOIVocabulary): Its names come out.

    Raises:
        ImportError: A library that reading English needs is missing.
    """

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        missing = [
            name
            for name in ('lemminflect', 'rapidfuzz')
            if importlib.util.find_spec(name) is None
        ]
        if missing:
            raise ImportError(
                f'reading English needs {" and ".join(missing)}; install '
                f"with pip install 'clhoi_mm[teacher]'"
            )
        self.vocabulary = vocabulary
        self.objects = self._object_names()
        self.longest = max(name.count(' ') + 1 for name in self.objects)
        self._patterns = self._verb_patterns()
        self.verb_lemmas = frozenset(
            pattern.split(' ')[0] for pattern in self._patterns
        )
        self.correct = lru_cache(maxsize=65536)(self._find_correction)
        words = {word for name in self.objects for word in name.split(' ')}
        for verb in vocabulary.verbs:
            lemma = normalize_name(verb).split(' ')[0]
            words.update((lemma, gerund(lemma), third_person(lemma)))
        self._spellings = sorted(word for word in words if len(word) > 4)

    def find_object(self, words: Sequence[str]) -> Optional[Tuple[int, int]]:
        """Find the object that the last words name.

        Args:
            words (Sequence[str]): Lower-case words of a noun phrase.

        Returns:
            Tuple[int, int]: Its label and the number of words that name it;
            None where the phrase's head is no object of the vocabulary.
        """
        for size in range(min(self.longest, len(words)), 0, -1):
            name = ' '.join(words[-size:])
            label = self.objects.get(name, -1)
            if label < 0:
                last = singular(words[-1])
                name = ' '.join([*words[len(words) - size : -1], last])
                # 'glasses' are no drinking glasses.
                if last != 'glass' or words[-1] == 'glass' or size > 1:
                    label = self.objects.get(name, -1)
            if label >= 0:
                return label, size
        return None

    def has_verb(self, lemma: str, words: Sequence[str]) -> bool:
        """Check for the pattern of a verb and following words."""
        return ' '.join([lemma, *words]) in self._patterns

    def implied_object(self, lemma: str, heads: Sequence[str] = ()) -> int:
        """Find the object that a verb implies ('skiing'), or -1.

        Args:
            lemma (str): The verb.
            heads (Sequence[str]): Heads of its objects: teeth are brushed
                with a toothbrush.
        """
        if lemma == 'brush' and {'tooth', 'teeth'} & set(heads):
            return self.vocabulary.object_label('toothbrush')
        return self.vocabulary.object_label(DENOMINAL.get(lemma, ''))

    def read(
        self,
        lemma: str,
        chain: Sequence[str],
        obj: int,
        between: Sequence[str],
    ) -> Optional[Reading]:
        """Look up a verb with the words before its object.

        Args:
            lemma (str): The verb.
            chain (Sequence[str]): Particles and prepositions just before
                the object.
            obj (int): The object's label, -1 for one outside.
            between (Sequence[str]): Heads of the verb's own objects, where
                the object stands after them ('cut' *cake* 'with'); empty
                where there is none.

        Returns:
            Reading: None where the words relate the verb to no object.
        """
        keys = []
        for head in between:
            keys.append(' '.join([lemma, head, *chain]))
        if between:
            keys.append(' '.join([lemma, '*', *chain]))
        else:
            keys.append(' '.join([lemma, *chain]))
            rest = list(chain)
            while rest and rest[0] in _LOOSE:
                rest = rest[1:]
                keys.append(' '.join([lemma, *rest]))
        own = None
        for key in keys:
            for verb, is_own in self._patterns.get(key, ()):
                if obj >= 0 and self.vocabulary.valid[verb, obj]:
                    return Reading(self.vocabulary.verbs[verb], True, True)
                if is_own and own is None:
                    own = verb
        if own is not None:
            return Reading(self.vocabulary.verbs[own], True, False)
        if (lemma, *chain) not in _OPEN and (
            between or set(chain) - _PARTICLES
        ):
            return None
        return Reading(' '.join([lemma, *chain]), False, False)

    def resolve(self, verb: str, obj: str) -> Interaction:
        """Resolve a verb and an object named apart.

        Args:
            verb (str): 'ride', 'is riding', 'sit_on', 'hopping onto'.
            obj (str): 'bicycle', 'the bikes'.

        Returns:
            Interaction: The pair in the vocabulary's names, where it has
            them; without a score.
        """
        vocabulary = self.vocabulary
        obj_label = self._label_of(obj)
        obj_name = (
            vocabulary.objects[obj_label]
            if obj_label >= 0
            else ' '.join(normalize_name(obj).split(' '))
        )
        label = vocabulary.verb_label(verb)
        if label >= 0 and vocabulary.hoi_id(label, obj_label) >= 0:
            return Interaction(vocabulary.verbs[label], obj_name, None, True)
        words = [
            word
            for word in normalize_name(verb).split(' ')
            if word not in ('is', 'are', 'be', 'being', 'the', 'a', 'to')
        ]
        if not words:
            return Interaction(normalize_name(verb), obj_name)
        form = verb_form(self.correct(words[0]))
        lemma = form.lemma if form else words[0]
        reading = self.read(lemma, words[1:], obj_label, ())
        if label >= 0 and not (reading and reading.valid):
            reading = Reading(vocabulary.verbs[label], True, False)
        if reading is None:
            reading = Reading(' '.join([lemma, *words[1:]]), False, False)
        invalid_pair = reading.known and obj_label >= 0 and not reading.valid
        return Interaction(
            reading.verb, obj_name, None, reading.valid, invalid_pair
        )

    def _label_of(self, obj: str) -> int:
        label = self.vocabulary.object_label(obj)
        if label >= 0:
            return label
        words = [
            self.correct(word)
            for word in normalize_name(obj).split(' ')
            if word
        ]
        found = self.find_object(words) if words else None
        if found:
            return found[0]
        if words and singular(words[-1]) in load_words()['persons']:
            return self.vocabulary.person_label
        return -1

    def _object_names(self) -> Dict[str, int]:
        names: Dict[str, int] = {}
        synonyms = load_table('objects.json')
        for label, name in enumerate(self.vocabulary.objects):
            if label == self.vocabulary.person_label:
                continue
            name = normalize_name(name)
            names[name] = label
            names[plural(name)] = label
        for label, name in enumerate(self.vocabulary.objects):
            for other in synonyms.get(normalize_name(name), ()):
                names.setdefault(other, label)
                names.setdefault(plural(other), label)
        names.pop('glasses', None)
        names.pop('discs', None)
        return names

    def _verb_patterns(self) -> Dict[str, List[Tuple[int, bool]]]:
        """Map patterns to labels, marked where the verb's own."""
        vocabulary = self.vocabulary
        patterns: Dict[str, List[Tuple[int, bool]]] = {}
        for label, verb in enumerate(vocabulary.verbs):
            if verb != vocabulary.no_interaction:
                for key in self._own_patterns(label):
                    patterns.setdefault(key, []).append((label, True))
        names = self._verb_labels()
        tables = load_table('verbs.json')
        sections = [tables.get(vocabulary.name)]
        if sections[0] is None:
            sections = [tables['hico_det'], tables['v_coco']]
        for table in [*sections, tables['general']]:
            for key, verbs in table.items():
                found = patterns.setdefault(key, [])
                known = {label for label, _ in found}
                for verb in verbs:
                    label = names.get(normalize_name(verb), -1)
                    if label >= 0 and label not in known:
                        found.append((label, False))
        return patterns

    def _own_patterns(self, label: int) -> List[str]:
        """List the patterns of a verb's name and gerund."""
        verb = self.vocabulary.verbs[label]
        role = verb.endswith(_ROLES[1])
        bare = verb.rsplit(' ', 1)[0] if verb.endswith(_ROLES) else verb
        if role and bare in ('eat', 'cut', 'hit'):
            return []
        keys = {normalize_name(bare)}
        head, *rest = self.vocabulary.gerunds[label].split(' ')
        if len(rest) == 1:
            form = verb_form(head)
            key = f'{form.lemma if form else head} {rest[0]}'
            keys = {key} - {normalize_name(bare)} if role else {*keys, key}
        return sorted(keys)

    def _verb_labels(self) -> Dict[str, int]:
        """Map names to labels, also V-COCO's without roles."""
        verbs = self.vocabulary.verbs
        names = {
            normalize_name(verb[: -len(role)]): label
            for role in reversed(_ROLES)
            for label, verb in enumerate(verbs)
            if verb.endswith(role)
        }
        names.update((normalize_name(x), i) for i, x in enumerate(verbs))
        return names

    def _find_correction(self, word: str) -> str:
        """Correct a word that is in no table."""
        if len(word) < 5 or parts_of_speech(word) or word in self.objects:
            return word
        words = load_words()
        if any(singular(word) in names for names in words.values()):
            return word
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        limit = 1 if len(word) < 8 else 2
        found = process.extract(
            word,
            self._person_spellings(words),
            scorer=OSA.distance,
            score_cutoff=limit,
            limit=2,
        )
        # Typing errors seldom change the first letter.
        found = [item for item in found if item[0][0] == word[0]]
        if not found:
            return word
        if len(found) > 1 and found[0][1] == found[1][1]:
            return word
        return found[0][0]

    def _person_spellings(self, words: Dict[str, frozenset]) -> List[str]:
        people = {
            word
            for word in words['persons']
            if len(word) > 5 and ' ' not in word
        }
        return sorted(people.union(self._spellings))
