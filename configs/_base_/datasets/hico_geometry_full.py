# HICO-DET's boxes without its images, official splits
# (tools/dataset_converters/geometry.py holdout); annotated boxes are the
# detections. Samples are packed in files on first use.
data_root = 'data/hico_geometry_full/'
teacher_cache = data_root + 'teacher/typical'

pipeline = [
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
        type='PackedHOIDataset',
        file=data_root + 'packed/train.safetensors',
        dataset=dict(
            type='HICODetDataset',
            data_root=data_root,
            ann_file='annotations/train.json',
            pipeline=pipeline,
        ),
        teacher=dict(cache=teacher_cache, vocabulary='hico_det'),
        flip_prob=0.5,
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PackedHOIDataset',
        file=data_root + 'packed/val.safetensors',
        dataset=dict(
            type='HICODetDataset',
            data_root=data_root,
            ann_file='annotations/val.json',
            test_mode=True,
            pipeline=pipeline,
        ),
    ),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PackedHOIDataset',
        file=data_root + 'packed/test.safetensors',
        dataset=dict(
            type='HICODetDataset',
            data_root=data_root,
            ann_file='annotations/test.json',
            test_mode=True,
            pipeline=pipeline,
        ),
    ),
)

# The official protocol, Default setting.
val_evaluator = dict(
    type='HICODetMetric', vocabulary='hico_det', known_object=False
)
test_evaluator = val_evaluator
