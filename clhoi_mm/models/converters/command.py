import argparse
from typing import Callable

from .files import read_source, write_checkpoint
from .names import State

FOLDER = (
    'folder with model.safetensors and config.json, or the file of weights'
)


def run_command(
    description: str,
    convert: Callable[..., tuple[State, dict]],
    example: str,
    source: str = FOLDER,
    read: Callable[[str], tuple[State, dict]] = read_source,
    **options: dict,
) -> tuple[str, dict]:
    """Read what the command line names, convert it and write it.

    Args:
        description (str): What the command does.
        convert (Callable): Takes tensors and config as :func:`read_source`
            gives them, and the options by name; gives what
            :func:`write_checkpoint` takes.
        example (str): A file to write.
        source (str): What can be converted.
        read (Callable): Reads tensors and config from what is given.
        **options (dict): Of ``add_argument``, by an option's name.

    Returns:
        tuple[str, dict]: The file that was written and its meta.

    Raises:
        SystemExit: With one line that says what is wrong with the source.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('source', help=source)
    parser.add_argument(
        '--out', required=True, help=f'file to write, such as {example}'
    )
    for name, option in options.items():
        parser.add_argument(f'--{name}', **option)
    args = parser.parse_args()
    try:
        given = {name: getattr(args, name) for name in options}
        state, meta = convert(*read(args.source), **given)
        write_checkpoint(args.out, state, meta)
    except (OSError, ValueError) as error:
        raise SystemExit(f'{parser.prog}: {args.source}: {error}') from None
    said = f'{args.out}: {len(state)} tensors'
    if 'dataset_meta' in meta:
        classes = meta['dataset_meta']['classes']
        said += f', {len(classes)} classes from {classes[0]} to {classes[-1]}'
    print(said)
    return args.out, meta
