"""Print a config with its bases and overrides resolved."""

import argparse

from clhoi_mm.config_file import add_cfg_options, read_config
from clhoi_mm.utils.files import atomic_path

KINDS = ('.py', '.json', '.yml', '.yaml')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='path of the config')
    parser.add_argument(
        '--save-path', help=f'also write it to this file: {", ".join(KINDS)}'
    )
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.save_path and not args.save_path.endswith(KINDS):
        parser.error(
            f'--save-path {args.save_path}: a config is written as '
            f'{", ".join(KINDS)}'
        )
    return args


def main() -> None:
    args = parse_args()
    try:
        cfg = read_config(args.config, args.cfg_options)
    except OSError as error:
        raise SystemExit(f'print_config.py: {error}') from None
    print(cfg.pretty_text)
    if args.save_path:
        with atomic_path(args.save_path) as partial:
            # The suffix determines the format.
            suffix = args.save_path[args.save_path.rindex('.') :]
            temporary = partial.with_name(partial.name + suffix)
            try:
                cfg.dump(temporary)
                temporary.replace(partial)
            finally:
                temporary.unlink(missing_ok=True)
        print(f'written to {args.save_path}')


if __name__ == '__main__':
    main()
