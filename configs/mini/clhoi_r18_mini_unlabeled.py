# The mini world's training images without their annotations: losses and mAP
# are those of clhoi_r18_mini.py.
_base_ = '../clhoi_r18_mini.py'

train_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(
        type='LoadTeacherKnowledge',
        cache='data/mini/teacher/train_typical',
        vocabulary='mini',
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackHOIInputs'),
]
train_dataloader = dict(
    sampler=dict(_delete_=True, type='ArraySampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='UnlabeledHOIDataset',
        images='data/mini/train',
        # Keys are relative to this folder, as in the cache.
        data_prefix=dict(img='data/mini'),
        vocabulary='mini',
        pipeline=train_pipeline,
    ),
)
