"""Import layering of the package: no cycles between folders."""

import ast

import pytest

from tests.data_utils import REPO

PACKAGE = REPO / 'clhoi_mm'
# Folders that each folder may import, besides itself.
ALLOWED = {
    'utils': {'utils'},
    'annotations': {'annotations', 'utils', 'vocabulary'},
    'teacher': {'teacher', 'annotations', 'utils', 'vocabulary'},
}


def imported(path):
    """Return all folders of the package that a module imports."""
    parts = path.relative_to(REPO).with_suffix('').parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = parts[: -node.level] if node.level else ()
            name = '.'.join((*base, *filter(None, [node.module])))
            names = [name]
            if name == 'clhoi_mm':
                names = [f'{name}.{alias.name}' for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith('clhoi_mm.'):
                yield name.split('.')[1]


@pytest.mark.parametrize('folder', ALLOWED)
def test_folders_import_only_lower_layers(folder):
    found = {
        (str(path.relative_to(REPO)), name)
        for path in (PACKAGE / folder).rglob('*.py')
        for name in imported(path)
        if name not in ALLOWED[folder]
    }
    assert not found
