# Context distillation alone, then interaction distillation with a lower
# learning rate of the VLT; the hook switches by epoch.
context_epochs = 3

train_cfg = dict(
    type='EpochBasedTrainLoop',
    # Schedulers without an `end` use this length.
    max_epochs=12,
    val_interval=1,
    # An untrained ICN needs no validation.
    val_begin=context_epochs + 1,
)
val_cfg = dict(type='HOIValLoop')
test_cfg = dict(type='HOITestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4, fused=True),
    clip_grad=dict(max_norm=1.0),
    # The VLT has its own parameter groups, as DistillStageHook requires.
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={'vlt': dict(lr_mult=1.0)},
    ),
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
    dict(
        type='DistillStageHook', context_epochs=context_epochs, vlt_lr_mult=0.1
    ),
    dict(type='EpochSeedHook'),
    dict(type='JsonConfigHook'),
]

auto_scale_lr = dict(enable=False, base_batch_size=16)
