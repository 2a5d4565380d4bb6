# Images without annotations, with the teacher's pseudo-labels.
data_root = 'data/mine/'
vocabulary = 'hico_det'
# Output of `tools/teacher/annotate.py run --images data/mine/images`.
teacher_cache = data_root + 'teacher'

# DETR's sizes: the short side 480 to 800 in training, 800 in testing.
train_pipeline = [
    dict(type='LoadImage', orientation='upright'),
    dict(
        type='LoadTeacherKnowledge', cache=teacher_cache, vocabulary=vocabulary
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
    dict(type='LoadImage', orientation='upright'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='PackHOIInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    # DefaultSampler's order without a list of all indices.
    sampler=dict(type='ArraySampler', shuffle=True),
    # Sizes come from a Parquet list's columns, or from the images' headers.
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='UnlabeledHOIDataset',
        # A folder, a .txt with one path per line, or a .parquet.
        images='images',
        vocabulary=vocabulary,
        data_root=data_root,
        bad_images='skip',
        # Leave out images without an answer.
        filter_cfg=dict(without_answer=teacher_cache),
        pipeline=train_pipeline,
    ),
)

# There are no annotations to evaluate on. For mAP, replace these by a data set
# with annotations, such as HOIDataset, and HICODetMetric.
val_dataloader = None
val_evaluator = None
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='ArraySampler', shuffle=False),
    dataset=dict(
        type='UnlabeledHOIDataset',
        images='images',
        vocabulary=vocabulary,
        data_root=data_root,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = []
