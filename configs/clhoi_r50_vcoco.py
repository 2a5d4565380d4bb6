_base_ = [
    '_base_/models/clhoi_queries.py',
    '_base_/models/detr_r50.py',
    '_base_/datasets/v_coco.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
]

model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        classes='coco',
        # DETR R50 trained on COCO, as an mmdet checkpoint: docs/models.md.
        checkpoint='checkpoints/detr_r50_coco.pth',
    ),
    # V-COCO also evaluates actions with a missing role.
    missing_role_weight=0.1,
    teacher_head=dict(vocabulary='v_coco'),
    # An epoch of 5,400 images, each with about 7 compatible classes.
    label_noise=dict(warmup=340, prior_weight=2.6e-5),
)
