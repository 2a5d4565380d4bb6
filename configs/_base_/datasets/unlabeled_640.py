# Own images padded to squares of 640 pixels, the input of RTMDet and YOLOX.
_base_ = ['unlabeled.py', 'square_640.py']

train_pipeline = [
    *_base_.train_pipeline[:3],
    *_base_.square,
    dict(type='PackHOIInputs'),
]
test_pipeline = [
    *_base_.train_pipeline[:1],
    *_base_.square,
    dict(type='PackHOIInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
