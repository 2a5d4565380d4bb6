import hashlib
import os
import re
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional, Union

from clhoi_mm.vocabulary import HOIVocabulary

PROMPT_DIR = Path(__file__).parent / 'prompts'
_SECTION = re.compile(r'^\[(\w+)\]$')
_PLACEHOLDERS = dict(
    describe=set(),
    list={'choices'},
    score={'phrase'},
    locate_boxes={'interactions'},
    locate_marks={'interactions', 'marks'},
)
# Prompt files of earlier releases have no such sections.
_OPTIONAL = ('locate_boxes', 'locate_marks')


@dataclass(frozen=True)
class PromptFile:
    """Versioned prompt templates of one style of vocabulary.

    Attributes:
        name (str): The file's name without its ending.
        version (int): As the file states it.
        sections (Dict[str, str]): The templates 'describe', 'list', 'score',
            'locate_boxes', 'locate_marks'.
    """

    name: str
    version: int
    sections: Dict[str, str]

    @classmethod
    def load(
        cls,
        path: Optional[Union[str, os.PathLike]] = None,
        vocabulary: Optional[HOIVocabulary] = None,
    ) -> 'PromptFile':
        """Read a prompt file.

        Args:
            path (str | PathLike, optional): The file. Defaults to None: the
                shipped one for the vocabulary's style.
            vocabulary (HOIVocabulary, optional): Vocabulary whose verbs
                determine the style. Defaults to None, verbs that are plain
                English.

        Returns:
            PromptFile: The templates.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: A section, a placeholder or the version is missing,
                or there is one too many.
        """
        if path is None:
            roles = vocabulary is not None and all(
                verb.endswith((' instr', ' obj'))
                for verb in vocabulary.verbs
                if verb not in vocabulary.roleless
            )
            path = PROMPT_DIR / f'verb_{"role" if roles else "object"}.txt'
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f'{path}: no such prompt file; copy one of '
                f'{PROMPT_DIR}/*.txt and edit it'
            )
        version, sections = _read(path)
        for name, wanted in _PLACEHOLDERS.items():
            if name in _OPTIONAL and name not in sections:
                continue
            if not sections.get(name):
                raise ValueError(f'{path}: section [{name}] is missing')
            try:
                found = set(_placeholders(sections[name]))
            except ValueError as error:
                raise ValueError(
                    f'{path}, section [{name}]: {error}; write '
                    f'a dollar sign as "$$"'
                ) from error
            if found != wanted:
                raise ValueError(
                    f'{path}, section [{name}]: placeholders '
                    f'{sorted(wanted)} are filled in, it has '
                    f'{sorted(found)}'
                )
        return cls(path.stem, version, sections)

    def hash(self, section: str) -> str:
        """Return the first 16 hex digits of a template's sha256.

        Raises:
            ValueError: There is no such template.
        """
        if section not in self.sections:
            raise ValueError(
                f'prompt file "{self.name}": section [{section}] is missing; '
                f'copy it from {PROMPT_DIR}'
            )
        text = self.sections[section]
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def fill(self, section: str, **values: str) -> str:
        """Fill in a template's placeholders."""
        return string.Template(self.sections[section]).substitute(values)


def _read(path: Path) -> tuple:
    version, name = None, None
    lines: Dict[str, list] = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        section = _SECTION.match(line.strip())
        if section:
            name = section.group(1)
            if name not in _PLACEHOLDERS or name in lines:
                raise ValueError(
                    f'{path}: section [{name}] is unknown or '
                    f'there twice; there are '
                    f'{sorted(_PLACEHOLDERS)}'
                )
            lines[name] = []
        elif name:
            lines[name].append(line.rstrip())
        elif line.startswith('version:'):
            version = line.partition(':')[2].strip()
    if version is None or not version.isdigit():
        raise ValueError(
            f'{path}: a line "version: 1" must stand before the sections'
        )
    return int(version), {k: '\n'.join(v).strip() for k, v in lines.items()}


def _placeholders(text: str) -> list:
    names = []
    for match in string.Template.pattern.finditer(text):
        if match['invalid'] is not None:
            raise ValueError(f'a lone "$" at {text[match.start() :][:20]!r}')
        names.append(match['named'] or match['braced'])
    return [name for name in names if name]
