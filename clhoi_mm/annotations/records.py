"""Lists of records with references by id."""

from typing import Any, Dict, NoReturn, Optional, Tuple

import numpy as np

from clhoi_mm.utils.errors import InputError


class Records:
    """Lookups in a file's sections with precise errors.

    Args:
        content (dict): Content of the file, one list per section.
        name (str): Name of the file, for error messages.
        required (dict): Section to the fields that each record must have
            beside its id.

    Raises:
        InputError: If a record is no object, lacks a field, or has an id that
            is not unique.
    """

    def __init__(
        self, content: dict, name: str, required: Dict[str, Tuple[str, ...]]
    ) -> None:
        self.content = content
        self.name = name
        self._positions: Dict[str, Dict[Any, int]] = {}
        for section, fields in required.items():
            for i, record in enumerate(content[section]):
                if not isinstance(record, dict):
                    self.fail(
                        section, i, 'id', f'{record!r} is no object', 'mend it'
                    )
                for field in ('id', *fields):
                    if field not in record:
                        self.fail(section, i, field, 'missing', 'add it')
            self._positions[section] = self.positions(section, 'id')

    def values(self, section: str, field: str) -> list:
        """Return a field of all records of a section."""
        return [record[field] for record in self.content[section]]

    def positions(
        self, section: str, field: str, default: Optional[str] = None
    ) -> Dict[Any, int]:
        """Index a section by a field that must be unique.

        Args:
            section (str): The list.
            field (str): A number or a string in each record.
            default (str, optional): Field that replaces a missing one.
        """
        index: Dict[Any, int] = {}
        for i, record in enumerate(self.content[section]):
            value = record.get(field)
            if value is None and default is not None:
                value = record[default]
            if not is_id(value):
                self.fail(
                    section,
                    i,
                    field,
                    f'{value!r} is neither a number nor a string',
                    'correct it',
                )
            if index.setdefault(value, i) != i:
                self.fail(
                    section,
                    i,
                    field,
                    f'{value!r} occurs twice, first in the record at '
                    f'{index[value]}',
                    'make it unique',
                )
        return index

    def references(
        self,
        section: str,
        field: str,
        target: str,
        what: str,
        nullable: bool = False,
    ) -> np.ndarray:
        """Resolve a field's ids to indices.

        Args:
            section (str): The list with the field.
            field (str): An id of `target` in each of its records.
            target (str): The list that is referred to.
            what (str): Name of one of its records, such as 'image'.
            nullable (bool): Whether null, which gives -1, is allowed.

        Returns:
            np.ndarray: (N,) int64.
        """
        positions = self._positions[target]
        index = np.empty(len(self.content[section]), np.int64)
        for i, record in enumerate(self.content[section]):
            value = record[field]
            if value is None and nullable:
                index[i] = -1
            elif is_id(value) and value in positions:
                index[i] = positions[value]
            else:
                remedy = f'correct it, or list the {what}'
                if nullable:
                    remedy = 'correct it, or write null where there is none'
                self.fail(
                    section, i, field, f'no {what} has id {value!r}', remedy
                )
        return index

    def fail(
        self, section: str, position: int, field: str, reason: str, remedy: str
    ) -> NoReturn:
        """Raise an error about a record of a section."""
        record = self.content[section][position]
        name = f'at {position}'
        if isinstance(record, dict):
            name = record.get('id', name)
        raise InputError(
            f'{self.name}: {section}, record {name}, field {field!r}: '
            f'{reason}; {remedy}.'
        )


def is_id(value: Any) -> bool:
    """Test for a valid id, a number or a string."""
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)
