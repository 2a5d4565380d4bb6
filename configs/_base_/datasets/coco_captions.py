# COCO photos with captions as pseudo-label source for training, and V-COCO's
# annotated photos for validation and testing.
_base_ = 'v_coco_640.py'

coco_root = 'data/coco/'
# Output of `tools/teacher/annotate.py run --backend captions`.
teacher_cache = coco_root + 'teacher'

train_pipeline = [
    dict(type='LoadImage', orientation='upright'),
    dict(
        type='LoadTeacherKnowledge', cache=teacher_cache, vocabulary='v_coco'
    ),
    dict(type='RandomFlip', prob=0.5),
    *_base_.square,
    dict(type='PackHOIInputs'),
]

train_dataloader = dict(
    batch_size=32,
    sampler=dict(_delete_=True, type='ArraySampler', shuffle=True),
    batch_sampler=None,
    dataset=dict(
        _delete_=True,
        type='UnlabeledHOIDataset',
        images='photos.txt',
        data_prefix=dict(img='val2017/'),
        vocabulary='v_coco',
        data_root=coco_root,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(dataset=dict(ann_file='annotations/val.json'))
