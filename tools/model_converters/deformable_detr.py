"""Convert Hugging Face's Deformable DETR to an mmdet checkpoint.

Takes SenseTime/deformable-detr and its variants as downloaded, for
configs/_base_/models/deformable_detr_r50.py; see docs/models.md.
"""

from clhoi_mm.models.converters import convert_deformable_detr, run_command

if __name__ == '__main__':
    run_command(
        __doc__,
        convert_deformable_detr,
        'checkpoints/deformable_detr_r50_coco.pth',
    )
