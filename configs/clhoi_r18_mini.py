_base_ = [
    '_base_/models/clhoi.py',
    '_base_/models/mini_detector.py',
    '_base_/datasets/mini.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
]

text_dim = 256
embed_dims = 128
model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        checkpoint='checkpoints/mini_detector.pth',
        # 1,200 images, their mirror images and 450 of validation: all are
        # cached after some epochs.
        feat_cache_size=2850,
    ),
    pairing=dict(score_thr=0.3, max_humans=8, max_objects=10, max_pairs=64),
    vlt=dict(
        in_channels=64,
        text_dim=text_dim,
        embed_dims=embed_dims,
        num_tokens=8,
        num_layers=1,
        num_heads=4,
        levels=(1, 2),
        # Both levels are pooled to 5 x 7 positions.
        max_tokens=40,
    ),
    icn=dict(
        text_dim=text_dim,
        embed_dims=embed_dims,
        num_heads=4,
        roi_channels=32,
        # Best on validation; with a teacher of low precision, or with half as
        # many images, common interactiveness is better (docs/results.md).
        verbwise_interactiveness=True,
        roi_extractor=dict(out_channels=64, featmap_strides=[8]),
    ),
    teacher_head=dict(
        vocabulary='mini',
        text_dim=text_dim,
        text_encoder=f'hashed:{text_dim}',
    ),
    context_loss=dict(text_dim=text_dim),
    interaction_loss=dict(
        # Any weight of the contrastive loss costs validation mAP here.
        contrast=None,
    ),
    # Warm-up is three epochs of interaction distillation.
    label_noise=dict(_delete_=True, type='EMLabelNoise', warmup=114),
)

# Half as many steps of twice the batch size are faster and as accurate.
train_dataloader = dict(batch_size=32)
auto_scale_lr = dict(base_batch_size=32)

# Two epochs of context distillation, nine of interaction distillation, and
# nine of self-distillation from the first nine's ICN.
train_cfg = dict(max_epochs=20, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=1.4e-3))
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
        type='CosineRestartAtLR',
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=1,
        restarts=[11],
        convert_to_iter_based=True,
    ),
    dict(
        type='LinearLR',
        start_factor=0.01,
        by_epoch=True,
        begin=11,
        end=12,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [
    dict(type='DistillStageHook', context_epochs=2, vlt_lr_mult=0.1),
    dict(type='EpochSeedHook'),
    dict(type='JsonConfigHook'),
    dict(type='SelfDistillHook', epochs=[11]),
    # 260 MB; each image is decoded once.
    dict(type='RememberImagesHook', max_images=2400),
]
