_base_ = [
    '_base_/models/clhoi.py',
    '_base_/models/rtmdet_m.py',
    '_base_/datasets/hico_det_640.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
]

model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        classes='coco',
        # mmdet's RTMDet-m trained on COCO: docs/detectors.md.
        checkpoint='checkpoints/rtmdet_m_coco.pth',
    ),
)
