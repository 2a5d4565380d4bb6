_base_ = [
    '_base_/models/clhoi.py',
    '_base_/models/yolox_s.py',
    '_base_/datasets/hico_det_640.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
]

model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        classes='coco',
        # The authors' YOLOX-s, converted: docs/models.md.
        checkpoint='checkpoints/yolox_s_coco.pth',
    ),
)
