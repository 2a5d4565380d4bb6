data_root = 'data/v_coco/'
teacher_cache = data_root + 'teacher/trainval'

# DETR's sizes: the short side 480 to 800 in training, 800 in testing.
train_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    dict(
        type='LoadTeacherKnowledge', cache=teacher_cache, vocabulary='v_coco'
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomChoiceResize',
        scales=[(size, 1333) for size in range(480, 801, 32)],
        keep_ratio=True,
    ),
    dict(type='PackHOIInputs'),
]
test_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='LoadHOIAnnotations'),
    dict(type='PackHOIInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='VCOCODataset',
        data_root=data_root,
        ann_file='annotations/trainval.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VCOCODataset',
        data_root=data_root,
        ann_file='annotations/test.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='VCOCOMetric', vocabulary='v_coco')
test_evaluator = val_evaluator
