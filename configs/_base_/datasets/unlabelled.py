# Images that nobody annotated, and what the teacher said of them.
data_root = 'data/mine/'
vocabulary = 'hico_det'
# What `tools/teacher/annotate.py run --images data/mine/images` wrote.
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
    # DefaultSampler's order, without its list of all indices.
    sampler=dict(type='ArraySampler', shuffle=True),
    # Sizes come from a Parquet list's columns, else from the images' headers.
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='UnlabelledHOIDataset',
        # A folder, a .txt with a path a line, or a .parquet.
        images='images',
        vocabulary=vocabulary,
        data_root=data_root,
        bad_images='skip',
        # The teacher may have failed at some images.
        filter_cfg=dict(without_answer=teacher_cache),
        pipeline=train_pipeline,
    ),
)

# Nothing to measure by. A data set with annotations, such as HOIDataset, and
# HICODetMetric in their place measure mAP.
val_dataloader = None
val_evaluator = None
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='ArraySampler', shuffle=False),
    dataset=dict(
        type='UnlabelledHOIDataset',
        images='images',
        vocabulary=vocabulary,
        data_root=data_root,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = []
