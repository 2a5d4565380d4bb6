"""Convert Hugging Face's DETR to an mmdet checkpoint.

Takes facebook/detr-resnet-50 or -101 as downloaded, for
configs/_base_/models/detr_r50.py; see docs/models.md.
"""

from clhoi_mm.models.converters import convert_detr, run_command

if __name__ == '__main__':
    run_command(__doc__, convert_detr, 'checkpoints/detr_r50_coco.pth')
