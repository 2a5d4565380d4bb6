"""Convert the authors' YOLOX to an mmdet checkpoint.

Takes yolox_{nano,tiny,s,m,l,x}.pth of their releases since 0.1.1rc0, and .onnx
files of their export script; see docs/models.md.
"""

from pathlib import Path

from clhoi_mm.models.converters import convert_yolox, read_yolox, run_command
from clhoi_mm.models.converters.names import State


def convert(state: State, config: dict, classes: str) -> tuple[State, dict]:
    names = None
    if classes is not None:
        lines = Path(classes).read_text(encoding='utf-8').splitlines()
        names = [line.strip() for line in lines if line.strip()]
    return convert_yolox(state, config, names)


def main() -> None:
    _, meta = run_command(
        __doc__,
        convert,
        'checkpoints/yolox_nano_coco.pth',
        source='the .pth file of a release, or an exported .onnx file',
        read=read_yolox,
        classes=dict(
            help='text file with the class names, one per line (default: '
            "COCO's 80)",
        ),
    )
    size = meta['yolox'].pop('size')
    shipped = size in ('nano', 's')
    print(
        f'YOLOX-{size}: configs/_base_/models/yolox_'
        f'{size if shipped else "s"}.py'
    )
    if not shipped:
        print(
            'with ' + ', '.join(f'{k}={v}' for k, v in meta['yolox'].items())
        )


if __name__ == '__main__':
    main()
