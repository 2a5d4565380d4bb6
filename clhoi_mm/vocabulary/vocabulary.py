"""Vocabulary of objects, verbs, HOI classes and their phrases."""

import hashlib
import json
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from clhoi_mm.utils.english import gerund, third_person

from .names import normalize_name, with_article

DATA_DIR = Path(__file__).parent / 'data'
REQUIRED_FIELDS = ('name', 'objects', 'verbs', 'gerunds', 'hois')
OPTIONAL_FIELDS = ('rare', 'no_interaction', 'roleless')


class HOIVocabulary:
    """Objects, verbs and the (verb, object) classes among them.

    Labels are indices: an object's into ``objects``, a verb's into ``verbs``,
    an HOI class's into ``hois``. Arrays are read-only.

    Args:
        name (str): The vocabulary's name.
        objects (Sequence[str]): Object names; 'person' must be among them.
        verbs (Sequence[str]): Verb names as in the data set.
        gerunds (Sequence[str]): Gerund of each verb, with its particle, for
            phrases of the form 'a person {gerund} a {object}'.
        hois (Sequence[Tuple[int, int]]): (verb, object) labels of each class.
        rare (Sequence[int], optional): Labels of the rare HOI classes; None
            where the data set defines none. Defaults to None.
        no_interaction (str, optional): The verb of the no_interaction
            classes. Defaults to None.
        roleless (Sequence[str]): Verbs that take no object ('smile').
            Defaults to ().
        source (str): Origin of the content, for error messages.

    Raises:
        ValueError: If fields are inconsistent; the message names them.
    """

    def __init__(
        self,
        name: str,
        objects: Sequence[str],
        verbs: Sequence[str],
        gerunds: Sequence[str],
        hois: Sequence[Tuple[int, int]],
        rare: Optional[Sequence[int]] = None,
        no_interaction: Optional[str] = None,
        roleless: Sequence[str] = (),
        source: str = 'vocabulary',
    ) -> None:
        self.name = str(name)
        self.objects = tuple(objects)
        self.verbs = tuple(verbs)
        self.gerunds = tuple(gerunds)
        self.no_interaction = no_interaction
        self.roleless = tuple(roleless)
        self._source = source
        self._check_names()

        pairs = self._pairs(hois)
        self.hoi_verbs = _frozen(pairs[:, 0])
        self.hoi_objects = _frozen(pairs[:, 1])
        lookup = np.full((self.num_verbs, self.num_objects), -1, np.int64)
        lookup[self.hoi_verbs, self.hoi_objects] = np.arange(self.num_hois)
        self.hoi_lookup = _frozen(lookup)
        self.valid = _frozen(lookup >= 0)
        self.no_interaction_mask = _frozen(
            self.hoi_verbs
            == (
                self.verbs.index(no_interaction)
                if no_interaction is not None
                else -1
            )
        )
        self.rare = None if rare is None else self._rare_mask(rare)
        self.person_label = self.objects.index('person')

    @classmethod
    def load(
        cls, name_or_path: Union[str, os.PathLike, dict, 'HOIVocabulary']
    ) -> 'HOIVocabulary':
        """Load a vocabulary by name or from a JSON file.

        Args:
            name_or_path (str | PathLike | dict | HOIVocabulary): A name such
                as 'hico_det', a path to a JSON file, its content, or a
                vocabulary, which is returned as it is.

        Raises:
            FileNotFoundError: If it is neither a known name nor a file.
            ValueError: If the file is no valid JSON or no vocabulary.
        """
        if isinstance(name_or_path, HOIVocabulary):
            return name_or_path
        if isinstance(name_or_path, dict):
            return cls.from_dict(name_or_path)
        path = DATA_DIR / f'{name_or_path}.json'
        if os.sep in str(name_or_path) or not path.is_file():
            path = Path(name_or_path)
        if not path.is_file():
            builtin = sorted(p.stem for p in DATA_DIR.glob('*.json'))
            raise FileNotFoundError(
                f'vocabulary {str(name_or_path)!r}: no such file, and the '
                f'built-in ones are {", ".join(builtin)}. Give one of these '
                'names or the path of a vocabulary JSON.'
            )
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
        except json.JSONDecodeError as error:
            raise ValueError(f'{path}: not valid JSON ({error}).') from error
        return cls.from_dict(content, source=str(path))

    @classmethod
    def from_dict(
        cls, content: dict, source: str = 'vocabulary'
    ) -> 'HOIVocabulary':
        """Build a vocabulary from a JSON file's content.

        Args:
            content (dict): The fields of :meth:`to_dict`.
            source (str): Origin of the content, for error messages.
        """
        if not isinstance(content, dict):
            raise ValueError(
                f'{source}: a vocabulary is a JSON object, got '
                f'{type(content).__name__}.'
            )
        missing = [key for key in REQUIRED_FIELDS if key not in content]
        unknown = sorted(
            set(content) - set(REQUIRED_FIELDS) - set(OPTIONAL_FIELDS)
        )
        if missing or unknown:
            raise ValueError(
                f'{source}: missing fields {missing}, unknown fields '
                f'{unknown}. A vocabulary has {list(REQUIRED_FIELDS)} and '
                f'may have {list(OPTIONAL_FIELDS)}.'
            )
        content = {k: v for k, v in content.items() if v is not None}
        return cls(**content, source=source)

    def to_dict(self) -> dict:
        """Return the JSON content as plain lists, strings and ints."""
        return dict(
            name=self.name,
            objects=list(self.objects),
            verbs=list(self.verbs),
            gerunds=list(self.gerunds),
            hois=np.stack([self.hoi_verbs, self.hoi_objects], 1).tolist(),
            rare=None
            if self.rare is None
            else np.flatnonzero(self.rare).tolist(),
            no_interaction=self.no_interaction,
            roleless=list(self.roleless),
        )

    def save(self, path: Union[str, os.PathLike]) -> None:
        """Write the vocabulary as JSON, atomically."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temp = tempfile.mkstemp(
            dir=path.parent, prefix=f'.{path.name}.', suffix='.tmp'
        )
        try:
            with os.fdopen(handle, 'w', encoding='utf-8') as file:
                json.dump(self.to_dict(), file, indent=1)
                file.write('\n')
                file.flush()
                os.fsync(file.fileno())
            os.replace(temp, path)
        except BaseException:
            os.unlink(temp)
            raise

    @property
    def num_objects(self) -> int:
        return len(self.objects)

    @property
    def num_verbs(self) -> int:
        return len(self.verbs)

    @property
    def num_hois(self) -> int:
        return len(self.hoi_verbs)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        canonical = json.dumps(
            self.to_dict(), sort_keys=True, separators=(',', ':')
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def phrases(self) -> List[str]:
        """Phrases of HOI classes, 'a person riding a bicycle'."""
        return [
            f'a person {self.gerunds[v]} {self._noun(o)}'
            for v, o in zip(self.hoi_verbs, self.hoi_objects)
        ]

    @cached_property
    def verb_phrases(self) -> List[str]:
        """Phrase of each verb, such as 'a person riding something'."""
        return [
            f'a person {gerund}'
            + ('' if verb in self.roleless else ' something')
            for verb, gerund in zip(self.verbs, self.gerunds)
        ]

    @cached_property
    def object_phrases(self) -> List[str]:
        """Phrase of each object, such as 'a bicycle'."""
        return [with_article(name) for name in self.objects]

    @cached_property
    def names(self) -> List[str]:
        """Name of each HOI class, such as 'ride bicycle'."""
        return [
            f'{self.verbs[v]} {self.objects[o]}'.replace('_', ' ')
            for v, o in zip(self.hoi_verbs, self.hoi_objects)
        ]

    @cached_property
    def sentences(self) -> List[str]:
        """Sentences of HOI classes, 'a person rides a bicycle'."""
        return [
            self.sentence(verb, obj)
            for verb, obj in zip(self.hoi_verbs, self.hoi_objects)
        ]

    @cached_property
    def verb_texts(self) -> List[str]:
        """Verbs with the particles of their gerunds, such as 'drink from'.

        Gerunds that are not those of the verbs' names are kept: 'lying on'.
        """
        texts = []
        for verb, form in zip(self.verbs, self.gerunds):
            head = verb.replace('_', ' ').split(' ')[0]
            doing, space, rest = form.partition(' ')
            texts.append(
                head + space + rest if gerund(head) == doing else form
            )
        return texts

    def sentence(self, verb_label: int, obj_label: int = -1) -> str:
        """Write an interaction as 'a person rides a bicycle'.

        Args:
            verb_label (int): The verb.
            obj_label (int): The object; -1 for none. Defaults to -1.

        Returns:
            str: The sentence. Gerunds of another verb than the name's stay:
            'a person is lying on a bed' for 'lay'.
        """
        text = self.verb_texts[verb_label]
        is_gerund = text == self.gerunds[verb_label]
        words = [
            'a person',
            f'is {text}' if is_gerund else third_person(text),
        ]
        if obj_label >= 0:
            words.append(self._noun(obj_label))
        elif self.verbs[verb_label] not in self.roleless:
            words.append('something')
        return ' '.join(words)

    def hoi_id(self, verb_label: int, obj_label: int) -> int:
        """Find the HOI class of verb and object, or -1."""
        if not (
            0 <= verb_label < self.num_verbs
            and 0 <= obj_label < self.num_objects
        ):
            return -1
        return int(self.hoi_lookup[verb_label, obj_label])

    def object_label(self, name: str) -> int:
        """Find an object's label by any known spelling, or -1."""
        return self._object_index.get(normalize_name(name), -1)

    def verb_label(self, name: str) -> int:
        """Find a verb's label by any known spelling, or -1."""
        return self._verb_index.get(normalize_name(name), -1)

    @cached_property
    def _object_index(self) -> Dict[str, int]:
        return {normalize_name(n): i for i, n in enumerate(self.objects)}

    @cached_property
    def _verb_index(self) -> Dict[str, int]:
        return {normalize_name(n): i for i, n in enumerate(self.verbs)}

    def _noun(self, label: int) -> str:
        if label == self.person_label:
            return 'another person'
        return self.object_phrases[label]

    def _check_names(self) -> None:
        for field in ('objects', 'verbs'):
            names = [normalize_name(n) for n in getattr(self, field)]
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                self._fail(field, f'names occur twice: {twice}')
        if 'person' not in self.objects:
            self._fail(
                'objects',
                "'person' is missing; rename the category of people, such "
                "as 'human', to it",
            )
        if len(self.gerunds) != len(self.verbs):
            self._fail(
                'gerunds',
                f'{len(self.gerunds)} gerunds for '
                f'{len(self.verbs)} verbs; give one for each',
            )
        named = self.roleless
        if self.no_interaction is not None:
            named += (self.no_interaction,)
        unknown = [verb for verb in named if verb not in self.verbs]
        if unknown:
            self._fail(
                'no_interaction and roleless',
                f'{unknown} are not among the verbs',
            )

    def _pairs(self, hois: Sequence[Tuple[int, int]]) -> np.ndarray:
        pairs = np.asarray(hois, dtype=np.int64)
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            self._fail('hois', 'rows must be [verb label, object label]')
        limit = (self.num_verbs, self.num_objects)
        outside = np.flatnonzero(((pairs < 0) | (pairs >= limit)).any(1))
        if len(outside):
            self._fail(
                'hois',
                f'row {outside[0]} is {pairs[outside[0]].tolist()}, '
                f'but there are {limit[0]} verbs and {limit[1]} objects',
            )
        if len(np.unique(pairs, axis=0)) != len(pairs):
            self._fail('hois', 'a (verb, object) pair occurs twice')
        return pairs

    def _rare_mask(self, rare: Sequence[int]) -> np.ndarray:
        ids = np.asarray(rare, dtype=np.int64)
        if ((ids < 0) | (ids >= self.num_hois)).any():
            self._fail('rare', f'labels must lie in 0..{self.num_hois - 1}')
        mask = np.zeros(self.num_hois, dtype=bool)
        mask[ids] = True
        return _frozen(mask)

    def _fail(self, field: str, reason: str) -> None:
        raise ValueError(f'{self._source}: field {field!r}: {reason}.')

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HOIVocabulary) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return (
            f'HOIVocabulary({self.name!r}, {self.num_objects} objects, '
            f'{self.num_verbs} verbs, {self.num_hois} HOI classes)'
        )


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.array(array)
    array.setflags(write=False)
    return array
