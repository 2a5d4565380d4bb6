# Real photos: training from captions, and from V-COCO's pair labels.
# docs/real_photos.md describes how to make the data. The table "chosen" is on
# the photos of val.json, for choosing settings; "measured" is on test.json.
config = '../clhoi_yolox-nano_coco-captions_features.py'
seeds = [0, 1, 2]

_interval = dict(type='VCOCOMetric', vocabulary='v_coco', resamples=1000)
options = {'test_evaluator': _interval}
predictions = True
# Detections are the annotated boxes.
_features = 'data/v_coco/features.safetensors'
_given = [
    dict(type='LoadDetectorFeatures', file=_features),
    dict(type='LoadHOIAnnotations'),
    dict(type='LoadDetections', source='ground_truth'),
    dict(type='PackHOIInputs'),
]
_val = 'annotations/val.json'
tests = {
    'given': {'test_dataloader.dataset.pipeline': _given},
    'val': {'test_dataloader.dataset.ann_file': _val},
    'val_given': {
        'test_dataloader.dataset.ann_file': _val,
        'test_dataloader.dataset.pipeline': _given,
    },
}


def _columns(test: str) -> dict:
    return {
        f'{test}AP_role_s1': 'S1',
        f'{test}AP_role_s1_low': 'from',
        f'{test}AP_role_s1_high': 'to',
        f'{test}AP_role_s2': 'S2',
    }


metrics = _columns('')

# 1,665 photos in batches of 32 are 53 iterations; prior_weight counts the
# prior once per epoch: one over photos and about 7 compatible classes of each.
_noise = 'model.label_noise'
_labels = dict(
    type='VCOCODataset',
    data_root='data/v_coco/',
    data_prefix=dict(img='images/'),
)
_train = [
    dict(type='LoadDetectorFeatures', file=_features),
    dict(
        type='CachedTransforms',
        steps=[
            dict(type='LoadHOIAnnotations'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackHOIInputs'),
        ],
    ),
]
rows = {
    'random': dict(title='random scores for all pairs', baseline='random'),
    'pseudo-labels': dict(
        title='prior from the pseudo-labels', baseline='pseudo_labels'
    ),
    # V-COCO's trainval, which shares no photos with the test.
    'prior': dict(
        title='prior from 5,400 labeled images',
        baseline='prior',
        options={
            'train_dataloader.dataset': dict(
                _delete_=True, ann_file='annotations/trainval.json', **_labels
            )
        },
    ),
    'copy': dict(
        title='pseudo-labels copied to all pairs',
        options={'model.teacher_head.broadcast_image_labels': True},
    ),
    'no-noise': dict(title='label-free, no label noise model'),
    'learned-noise': dict(
        title='label-free, learnable label noise model',
        options={
            _noise: dict(
                _delete_=True,
                type='LearnableLabelNoise',
                warmup=53,
                prior_weight=8.6e-5,
            )
        },
    ),
    'counted-noise': dict(
        title='label-free, EM label noise model',
        options={_noise: dict(_delete_=True, type='EMLabelNoise', warmup=159)},
    ),
    # Cross-validation with four folds; 30 epochs are about as many iterations
    # as label-free training has.
    'instance': dict(
        title='instance-level labels, four-fold',
        folds=4,
        tests=['given'],
        options={
            'model.teacher_head.supervision': 'instance',
            'model.context_loss': None,
            'custom_hooks.DistillStageHook.context_epochs': 0,
            'custom_hooks.DistillStageHook.vlt_lr_mult': 1.0,
            'train_dataloader.sampler': dict(
                _delete_=True, type='DefaultSampler', shuffle=True
            ),
            'train_dataloader.dataset': dict(
                _delete_=True,
                type='ConcatDataset',
                datasets=[
                    dict(ann_file=_val, pipeline=_train, **_labels),
                    dict(
                        ann_file='annotations/test.json',
                        pipeline=_train,
                        **_labels,
                    ),
                ],
            ),
            'train_cfg.max_epochs': 30,
        },
    ),
}

_label_free = ['copy', 'no-noise', 'learned-noise', 'counted-noise']
tables = {
    'chosen': dict(
        title='To choose by: boxes detected',
        split='val',
        rows=['random', 'pseudo-labels', 'prior', *_label_free],
        metrics=_columns('val.'),
    ),
    'chosen_given': dict(
        title='To choose by: boxes given',
        split='val',
        rows=['random', 'pseudo-labels', 'prior', *_label_free],
        metrics=_columns('val_given.'),
    ),
    'measured': dict(
        title='Boxes detected',
        rows=[*rows],
        metrics=_columns(''),
        paired='no-noise',
    ),
    'measured_given': dict(
        title='Boxes given',
        rows=[*rows],
        metrics=_columns('given.'),
        paired='no-noise',
        test='given',
    ),
}
