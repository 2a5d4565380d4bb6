# The ICN on the boxes of HICO-DET's official splits
# (tools/dataset_converters/geometry.py holdout): annotated boxes are the
# detections (PredCls). Samples are packed in files on first use.
_base_ = './icn_hico_geometry.py'

data_root = 'data/hico_geometry_full/'
teacher_cache = data_root + 'teacher/typical'
train_set = dict(
    type='HICODetDataset',
    data_root=data_root,
    ann_file='annotations/train.json',
    pipeline=_base_.test_pipeline,
)
val_set = dict(train_set, ann_file='annotations/val.json', test_mode=True)
test_set = dict(val_set, ann_file='annotations/test.json')

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PackedHOIDataset',
        file=data_root + 'packed/train.safetensors',
        dataset=train_set,
        teacher=dict(cache=teacher_cache, vocabulary='hico_det'),
        flip_prob=0.5,
    ),
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PackedHOIDataset',
        file=data_root + 'packed/val.safetensors',
        dataset=val_set,
    ),
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PackedHOIDataset',
        file=data_root + 'packed/test.safetensors',
        dataset=test_set,
    ),
)

# The official protocol, Default setting; all pairs are scored.
val_evaluator = dict(
    _delete_=True,
    type='HICODetMetric',
    vocabulary='hico_det',
    known_object=False,
)
test_evaluator = val_evaluator
model = dict(
    pairing=dict(max_pairs=100000),
    # Warm-up is one epoch, the prior about one over the images and their
    # classes.
    label_noise=dict(warmup=520, prior_weight=3e-6),
)

# Validation after the last epoch only.
train_cfg = dict(max_epochs=5, val_interval=1000)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
