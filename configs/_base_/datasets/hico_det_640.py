# HICO-DET padded to squares of 640 pixels, the input of RTMDet and YOLOX.
_base_ = 'hico_det.py'

square = [
    dict(type='Resize', scale=(640, 640), keep_ratio=True),
    dict(type='Pad', size=(640, 640), pad_val=dict(img=(114, 114, 114))),
]
train_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    dict(
        type='LoadTeacherKnowledge',
        cache={{_base_.teacher_cache}},
        vocabulary='hico_det',
    ),
    dict(type='RandomFlip', prob=0.5),
    *square,
    dict(type='PackHOIInputs'),
]
test_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    *square,
    dict(type='PackHOIInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
