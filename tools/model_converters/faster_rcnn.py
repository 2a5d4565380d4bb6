"""Convert torchvision's Faster R-CNN R50-FPN to an mmdet checkpoint.

Takes fasterrcnn_resnet50_fpn_coco-258fb6c6.pth, for
configs/_base_/models/faster_rcnn_r50_fpn.py; see docs/models.md.
"""

from clhoi_mm.models.converters import convert_faster_rcnn, run_command

if __name__ == '__main__':
    run_command(
        __doc__,
        lambda state, config, eps: convert_faster_rcnn(state, eps),
        'checkpoints/faster_rcnn_r50_coco.pth',
        source='the file of weights',
        eps=dict(
            type=float,
            default=0.0,
            help="epsilon of the source's batch norms: 0 (default) in "
            "torchvision's own file, 1e-5 if trained with BatchNorm2d",
        ),
    )
