# Like icn_v_coco_geometry.py, on the few images of which real VLLMs' texts are
# public. Training and testing share a file: studies divide it into folds.
_base_ = './icn_v_coco_geometry.py'

data_root = 'data/v_coco_real_words/'
ann_file = 'annotations/all.json'

model = dict(
    # Some 306 images in batches of 32 are 10 iterations; warm-up is a tenth
    # of them, and prior_weight counts the prior once per epoch.
    label_noise=dict(warmup=40, prior_weight=4e-4)
)

train_pipeline = _base_.train_pipeline
train_pipeline[1]['steps'][2]['cache'] = data_root + 'teacher/any'
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        data_root=data_root, ann_file=ann_file, pipeline=train_pipeline
    ),
)
val_dataloader = dict(dataset=dict(data_root=data_root, ann_file=ann_file))
test_dataloader = val_dataloader

max_epochs = 40
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(_base_.param_scheduler[0]),
    dict(_base_.param_scheduler[1], end=max_epochs, T_max=max_epochs - 1),
]
