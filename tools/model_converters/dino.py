"""Convert detrex's DINO R50 to an mmdet checkpoint.

Takes dino_r50_4scale_{12,24}ep.pth of detrex's releases, for
configs/_base_/models/dino_r50.py; see docs/models.md.
"""

from clhoi_mm.models.converters import convert_dino, run_command

if __name__ == '__main__':
    run_command(
        __doc__,
        convert_dino,
        'checkpoints/dino_r50_coco.pth',
        source='the file of weights',
    )
