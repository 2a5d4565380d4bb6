# The same with cached features of tools/analysis_tools/cache_detections.py, so
# that no photo is read and the detector does not run.
_base_ = 'clhoi_yolox-nano_coco-captions.py'

test_features = 'data/v_coco/features.safetensors'
train_pipeline = [
    dict(type='LoadDetectorFeatures', file='data/coco/features.safetensors'),
    dict(
        type='LoadTeacherKnowledge',
        cache={{_base_.teacher_cache}},
        vocabulary='v_coco',
    ),
    dict(
        type='CachedTransforms',
        steps=[
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackHOIInputs'),
        ],
    ),
]
test_pipeline = [
    dict(type='LoadDetectorFeatures', file=test_features),
    dict(type='LoadHOIAnnotations'),
    dict(type='PackHOIInputs'),
]

# Passing samples between processes costs more than loading them.
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline),
)
