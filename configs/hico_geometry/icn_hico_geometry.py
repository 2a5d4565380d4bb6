# The ICN alone, on annotated boxes: no image, no detector, no VLT.
_base_ = [
    '../_base_/datasets/hico_geometry.py',
    '../_base_/default_runtime.py',
]

text_dim = 256
model = dict(
    type='CLHOI',
    detector=dict(type='PrecomputedDetections'),
    # All pairs of the data set, with all classes of each.
    pairing=dict(
        type='HumanObjectPairing',
        score_thr=0.0,
        max_humans=10000,
        max_objects=10000,
        max_pairs=200,
    ),
    max_per_img=100000,
    icn=dict(
        type='ICN',
        text_dim=text_dim,
        embed_dims=128,
        num_heads=4,
        # Pair attention was chosen by cross-validation on training and
        # validation images (docs/results.md); num_layers=0 disables it and
        # halves the time.
        num_layers=1,
    ),
    teacher_head=dict(
        type='TeacherHead',
        supervision='vllm',
        vocabulary='hico_det',
        text_dim=text_dim,
        text_encoder=f'hashed:{text_dim}',
    ),
    interaction_loss=dict(
        type='InteractionDistillLoss',
        instance_weight_power=2.0,
    ),
    # Warm-up is one epoch.
    label_noise=dict(
        type='LearnableLabelNoise', warmup=88, instance_weight_power=2.0
    ),
)

# Validation after the last epoch only.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=9, val_interval=1000)
val_cfg = dict(type='HOIValLoop')
test_cfg = dict(type='HOITestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4, fused=True),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
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
        convert_to_iter_based=True,
    ),
]

custom_hooks = [
    # There is one stage; the hook checks the text encoders of cache and model.
    dict(type='DistillStageHook', context_epochs=0),
    dict(type='EpochSeedHook'),
    dict(type='JsonConfigHook'),
]
auto_scale_lr = dict(enable=False, base_batch_size=64)
