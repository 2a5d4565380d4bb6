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
    """Parse the command line, convert weights and write them.

    Args:
        description (str): Description of the command.
        convert (Callable): Converter: takes tensors and config of
            :func:`read_source` and the options by name; returns arguments of
            :func:`write_checkpoint`.
        example (str): Example of an output file.
        source (str): Help text of the source.
        read (Callable): Reader of tensors and config.
        **options (dict): Arguments of ``add_argument`` by option name.

    Returns:
        tuple[str, dict]: The written file and its meta.

    Raises:
        SystemExit: With one line that states what is wrong with the source.
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
        option_values = {name: getattr(args, name) for name in options}
        state, meta = convert(*read(args.source), **option_values)
        write_checkpoint(args.out, state, meta)
    except (OSError, ValueError) as error:
        raise SystemExit(f'{parser.prog}: {args.source}: {error}') from None
    summary = f'{args.out}: {len(state)} tensors'
    if 'dataset_meta' in meta:
        classes = meta['dataset_meta']['classes']
        summary += (
            f', {len(classes)} classes from {classes[0]} to {classes[-1]}'
        )
    print(summary)
    return args.out, meta
