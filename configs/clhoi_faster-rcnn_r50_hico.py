_base_ = [
    '_base_/models/clhoi.py',
    '_base_/models/faster_rcnn_r50_fpn.py',
    '_base_/datasets/hico_det.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
]

model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        classes='coco',
        # Faster R-CNN R50-FPN trained on COCO: docs/models.md.
        checkpoint='checkpoints/faster_rcnn_r50_coco.pth',
    ),
)
