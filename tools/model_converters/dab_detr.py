"""Convert Hugging Face's DAB-DETR to an mmdet checkpoint.

Takes IDEA-Research/dab-detr-resnet-50 as downloaded, for
configs/_base_/models/dab_detr_r50.py; see docs/models.md.
"""

from clhoi_mm.models.converters import convert_dab_detr, run_command

if __name__ == '__main__':
    run_command(__doc__, convert_dab_detr, 'checkpoints/dab_detr_r50_coco.pth')
