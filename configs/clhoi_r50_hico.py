_base_ = [
    '_base_/models/clhoi.py', '_base_/models/detr_r50.py',
    '_base_/datasets/hico_det.py', '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py'
]
