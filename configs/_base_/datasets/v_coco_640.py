# V-COCO padded to squares of 640 pixels, the input of RTMDet and YOLOX.
_base_ = ['v_coco.py', 'square_640.py']

train_pipeline = [
    *_base_.train_pipeline[:4],
    *_base_.square,
    dict(type='PackHOIInputs'),
]
test_pipeline = [
    *_base_.train_pipeline[:2],
    *_base_.square,
    dict(type='PackHOIInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
