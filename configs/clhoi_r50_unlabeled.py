# Label-free training on own images: set data_root, images, vocabulary
# and teacher_cache as in docs/datasets.md.
_base_ = [
    '_base_/models/clhoi_queries.py',
    '_base_/models/detr_r50.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
    '_base_/datasets/unlabeled.py',
]

model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        classes='coco',
        # DETR R50 trained on COCO, as an mmdet checkpoint.
        checkpoint='checkpoints/detr_r50_coco.pth',
    ),
    teacher_head=dict(vocabulary={{_base_.vocabulary}}),
)
val_cfg = None
