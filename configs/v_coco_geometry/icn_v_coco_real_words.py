# Like icn_v_coco_geometry.py, on few images with texts of real VLLMs. Training
# and testing share a file, which studies divide into folds.
_base_ = './icn_v_coco_geometry.py'

data_root = 'data/v_coco_real_words/'
ann_file = 'annotations/all.json'

# A label noise model lowers AP with so few images (docs/results.md).
model = dict(label_noise=None)

train_pipeline = _base_.train_pipeline
train_pipeline[1]['steps'][2]['cache'] = data_root + 'teacher/by-1'
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        data_root=data_root, ann_file=ann_file, pipeline=train_pipeline
    ),
)
val_dataloader = dict(dataset=dict(data_root=data_root, ann_file=ann_file))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file=ann_file))

max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=1,
        end=max_epochs,
        T_max=max_epochs - 1,
        convert_to_iter_based=True,
    ),
]
