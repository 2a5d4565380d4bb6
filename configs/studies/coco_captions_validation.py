# Ablations and settings on real photos, on the photos of val.json: training
# from captions, tested on V-COCO (data: docs/real_photos.md). Defaults change
# only if the interval of a row's difference excludes 0.
config = '../clhoi_yolox-nano_coco-captions_features.py'
seeds = [0]
# Of rows whose difference could change a default.
_three = [0, 1, 2]
split = 'val'
predictions = True
metrics = {'AP_role_s1': 'S1', 'AP_role_s2': 'S2'}

# 1,665 photos in batches of 32 are 53 iterations per epoch.
_noise = 'model.label_noise'
_no_context_stage = {'custom_hooks.DistillStageHook.context_epochs': 0}
_loss = 'model.interaction_loss.'
_contrast = f'{_loss}contrast'
_cache = 'train_dataloader.dataset.pipeline.LoadTeacherKnowledge.cache'
_learned = {
    _noise: dict(
        _delete_=True,
        type='LearnableLabelNoise',
        warmup=53,
        prior_weight=8.6e-5,
    )
}
# Nine more epochs with a new ICN; posteriors need a label noise model.
_two_rounds = {
    'train_cfg.max_epochs': 21,
    'custom_hooks': [
        dict(type='DistillStageHook', context_epochs=3, vlt_lr_mult=0.1),
        dict(type='EpochSeedHook'),
        dict(type='JsonConfigHook'),
        dict(type='SelfDistillHook', epochs=[12]),
    ],
    'param_scheduler': [
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
            restarts=[12],
            convert_to_iter_based=True,
        ),
    ],
}


def _with_contrast(weight: float, **cfg) -> dict:
    return {
        _contrast: dict(_delete_=True, **cfg),
        f'{_loss}contrast_weight': weight,
    }


rows = {
    'label-free': dict(title='label-free, as in the config', seeds=_three),
    'no-context': dict(
        title='without context distillation',
        options={'model.context_loss': None, **_no_context_stage},
        seeds=_three,
    ),
    'no-vlt': dict(
        title='without the VLT',
        options={
            'model.vlt': None,
            'model.context_loss': None,
            **_no_context_stage,
        },
    ),
    'no-interaction': dict(
        title='without interaction distillation',
        options={'model.interaction_loss': None, **_no_context_stage},
    ),
    'no-visual': dict(
        title='without visual features of pairs',
        options={'model.icn.roi_extractor': None},
        seeds=_three,
    ),
    'no-spatial': dict(
        title='without geometry of pairs',
        options={'model.icn.with_geometry': False},
    ),
    'no-pair-attention': dict(
        title='without pair self-attention',
        options={'model.icn.with_pair_attention': False},
    ),
    'by-verb': dict(
        title='verb-wise interactiveness',
        options={'model.icn.verbwise_interactiveness': True},
        seeds=_three,
    ),
    'learned-noise': dict(
        title='learnable label noise model', options=_learned
    ),
    'self-distillation': dict(
        title='learnable label noise model, a round of self-distillation',
        options={**_learned, **_two_rounds},
    ),
    'counted-noise': dict(
        title='EM label noise model',
        options={_noise: dict(_delete_=True, type='EMLabelNoise', warmup=159)},
    ),
    'noisy-or': dict(
        title='bags by noisy-or',
        options={f'{_loss}extra_positive_prior': 1.0},
    ),
    'few-positives': dict(
        title='a stronger prior for few positives (0.1)',
        options={f'{_loss}extra_positive_prior': 0.1},
    ),
    'unlabeled-all': dict(
        title='unlabeled classes at full weight',
        options={f'{_loss}unlabeled_weight': 1.0},
    ),
    'unlabeled-little': dict(
        title='unlabeled classes at a tenth of the weight',
        options={f'{_loss}unlabeled_weight': 0.1},
    ),
    # Captions seldom state that a person looks at or holds something.
    'unlabeled-by-verb': dict(
        title='unlabeled look and hold at a tenth of the weight',
        options={
            'model.teacher_head.unlabeled_verb_factors': {
                'look obj': 0.1,
                'hold obj': 0.1,
            }
        },
    ),
    'no-contrast': dict(
        title='without contrast of pairs and phrases',
        options={_contrast: None},
    ),
    'contrast': dict(
        title='InfoNCE at ten times the weight, negatives of the vocabulary',
        options=_with_contrast(0.05, type='PairContrastLoss'),
    ),
    'contrast-object': dict(
        title='InfoNCE at ten times the weight, negatives of the object',
        options=_with_contrast(
            0.05, type='PairContrastLoss', same_object_only=True
        ),
    ),
    'contrast-batch': dict(
        title="InfoNCE, negatives of the batch's other photos",
        options=_with_contrast(0.05, type='BagContrastLoss'),
    ),
    'contrast-foreign': dict(
        title='sigmoid form with the phrases of other objects',
        options=_with_contrast(0.1, type='ForeignPhraseLoss'),
    ),
    'agree-share': dict(
        title='labels scored by the share of the captions that name them',
        options={_cache: 'data/coco/teachers/share'},
    ),
    'agree': dict(
        title='labels that two captions name',
        options={_cache: 'data/coco/teachers/by-2'},
    ),
}
# The first photos, with the same number of iterations.
for _name, _count, _epochs in (('quarter', 416, 48), ('half', 832, 24)):
    rows[_name] = dict(
        title=f'{_count} photos',
        options={
            'train_dataloader.dataset.indices': _count,
            'train_cfg.max_epochs': _epochs,
            'custom_hooks.DistillStageHook.context_epochs': _epochs // 4,
        },
    )
tables = dict(validation=dict(rows=[*rows], paired='label-free'))
