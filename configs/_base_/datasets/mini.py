data_root = 'data/mini/'
teacher_cache = data_root + 'teacher/train_typical'

train_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    dict(type='LoadTeacherKnowledge', cache=teacher_cache, vocabulary='mini'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackHOIInputs'),
]
test_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    dict(type='PackHOIInputs'),
]

# Passing such small samples between processes costs more than reading them.
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='HOIDataset',
        vocabulary='mini',
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img=''),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HOIDataset',
        vocabulary='mini',
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img=''),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HOIDataset',
        vocabulary='mini',
        data_root=data_root,
        ann_file='annotations/test.json',
        data_prefix=dict(img=''),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(type='HICODetMetric', vocabulary='mini')
test_evaluator = val_evaluator
