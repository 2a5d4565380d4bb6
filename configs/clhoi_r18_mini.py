_base_ = [
    '_base_/models/clhoi.py', '_base_/models/mini_detector.py',
    '_base_/datasets/mini.py', '_base_/schedules/two_stage.py',
    '_base_/default_runtime.py'
]

text_dim = 256
embed_dims = 128
model = dict(
    detector={{_base_.detector}},
    detector_checkpoint='checkpoints/mini_detector.pth',
    # 1,200 images and their mirror images: from the third epoch on the frozen
    # detector has nothing left to do.
    remember_detector=2400,
    pairing=dict(score_thr=0.3, max_humans=8, max_objects=10, max_pairs=64),
    vlt=dict(
        in_channels=64,
        text_dim=text_dim,
        embed_dims=embed_dims,
        num_tokens=8,
        num_heads=4,
        levels=(1, 2)),
    icn=dict(
        text_dim=text_dim,
        embed_dims=embed_dims,
        num_heads=4,
        roi_channels=32,
        roi_extractor=dict(out_channels=64, featmap_strides=[8])),
    teacher_head=dict(
        vocabulary='mini',
        text_dim=text_dim,
        text_encoder=dict(
            _delete_=True, type='HashedTextEncoder', dim=text_dim)),
    context_loss=dict(text_dim=text_dim))

optim_wrapper = dict(optimizer=dict(lr=5e-4))
