_base_ = [
    '_base_/models/clhoi_queries.py',
    '_base_/models/dino_r50.py',
    '_base_/datasets/hico_det.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
]

model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        classes='coco',
        # detrex's DINO R50, converted: docs/models.md.
        checkpoint='checkpoints/dino_r50_coco.pth',
    ),
)
