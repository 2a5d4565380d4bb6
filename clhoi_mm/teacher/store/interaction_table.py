from typing import Dict, Tuple

from clhoi_mm.utils.english import gerund
from clhoi_mm.vocabulary import HOIVocabulary, normalize_name, with_article

Labels = Tuple[int, int, int, int]


class InteractionTable:
    """Labels and phrase of each (verb, object).

    Args:
        vocabulary (HOIVocabulary): The vocabulary.

    Attributes:
        phrases (Dict[str, int]): Number of each phrase, in that order.
    """

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        self.phrases: Dict[str, int] = {}
        self._known: Dict[Tuple[str, str], Labels] = {}
        self._gerunds: Dict[str, int] = {}
        for label, form in enumerate(vocabulary.gerunds):
            self._gerunds.setdefault(normalize_name(form), label)

    def add(self, verb: str, obj: str) -> Labels:
        """Look up an interaction.

        Args:
            verb (str): Its verb, the name or the gerund.
            obj (str): Its object.

        Returns:
            Tuple[int, int, int, int]: Labels of verb, object and HOI class,
            -1 outside the vocabulary, and the phrase's number.
        """
        if (verb, obj) not in self._known:
            self._known[verb, obj] = self._look_up(verb, obj)
        return self._known[verb, obj]

    def _look_up(self, verb: str, obj: str) -> Labels:
        vocabulary = self.vocabulary
        verb_label = vocabulary.verb_label(verb)
        if verb_label < 0:
            verb_label = self._gerunds.get(normalize_name(verb), -1)
        obj_label = vocabulary.object_label(obj)
        hoi_label = vocabulary.hoi_id(verb_label, obj_label)
        if hoi_label >= 0:
            phrase = vocabulary.phrases[hoi_label]
        else:
            doing = (
                gerund(verb)
                if verb_label < 0
                else vocabulary.gerunds[verb_label]
            )
            phrase = f'a person {doing} {with_article(obj)}'
        phrase_id = self.phrases.setdefault(phrase, len(self.phrases))
        return verb_label, obj_label, hoi_label, phrase_id
