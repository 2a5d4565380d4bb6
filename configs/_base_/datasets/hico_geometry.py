# HICO-DET's boxes without its images (tools/dataset_converters/geometry.py);
# annotated boxes are the detections.
data_root = 'data/hico_geometry/'
teacher_cache = data_root + 'teacher/typical'

train_pipeline = [
    dict(type='LoadImageSize'),
    # All samples are cached after some epochs.
    dict(
        type='CachedTransforms',
        steps=[
            dict(type='LoadHOIAnnotations'),
            dict(type='LoadDetections', source='ground_truth'),
            dict(
                type='LoadTeacherKnowledge',
                cache=teacher_cache,
                vocabulary='hico_det',
            ),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackHOIInputs'),
        ],
    ),
]
test_pipeline = [
    dict(type='LoadImageSize'),
    dict(type='LoadHOIAnnotations'),
    dict(type='LoadDetections', source='ground_truth'),
    dict(type='PackHOIInputs'),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='HICODetDataset',
        data_root=data_root,
        ann_file='annotations/train.json',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HICODetDataset',
        data_root=data_root,
        ann_file='annotations/val.json',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], ann_file='annotations/test.json'),
)

val_evaluator = dict(type='PairRankingMetric', vocabulary='hico_det')
test_evaluator = val_evaluator
