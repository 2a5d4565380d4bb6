# Experiments on the mini world's validation split.
config = '../clhoi_r18_mini.py'
seeds = [0, 1]
split = 'val'
# One round of interaction distillation, unless a row states otherwise.
options = {'train_cfg.max_epochs': 11}
metrics = dict(mAP='mAP', mAP_rare='mAP_rare')

_tokens = {'model.vlt.max_tokens': 1024}
_layers = {'model.vlt.num_layers': 2}
_context = 'model.context_loss.'
_loss = 'model.interaction_loss.'
_extra_prior = _loss + 'extra_positive_prior'
_all_verbs = {'model.icn.verbwise_interactiveness': False}
_two_rounds = {'train_cfg.max_epochs': 20}
_fast = {
    'optim_wrapper.paramwise_cfg.custom_keys.interactiveness.lr_mult': 3.0
}
_image = {'model.teacher_head.supervision': 'image'}
rows = {
    'label-free': dict(title='default'),
    'two-rounds': dict(
        title='a second round of self-distillation', options=_two_rounds
    ),
    'all-verbs': dict(title='one interactiveness', options=_all_verbs),
    'all-verbs-two-rounds': dict(
        title='a second round, one interactiveness',
        options={**_all_verbs, **_two_rounds},
    ),
    'image-all-verbs': dict(
        title='image-level labels, one interactiveness',
        options={**_all_verbs, **_image},
    ),
    'instance-all-verbs': dict(
        title='instance-level labels, one interactiveness',
        options={**_all_verbs, 'model.teacher_head.supervision': 'instance'},
    ),
    'three-rounds': dict(
        title='a third round',
        options={
            'train_cfg.max_epochs': 29,
            'param_scheduler.CosineRestartAtLR.restarts': [11, 20],
            'custom_hooks.SelfDistillHook.epochs': [11, 20],
        },
    ),
    'noisy-or': dict(title='bags by noisy-or', options={_extra_prior: 1.0}),
    'one-pair': dict(
        title='few positives a bag', options={_extra_prior: 0.05}
    ),
    'image': dict(title='image-level labels', options=_image),
    'image-noisy-or': dict(
        title='image-level labels, bags by noisy-or',
        options={**_image, _extra_prior: 1.0},
    ),
    'image-one-pair': dict(
        title='image-level labels, few positives a bag',
        options={**_image, _extra_prior: 0.05},
    ),
    'instance': dict(
        title='instance-level labels',
        options={'model.teacher_head.supervision': 'instance'},
    ),
    'finer': dict(title='VLT on finer maps', options=_tokens),
    'layers': dict(title='the VLT has two layers', options=_layers),
    'finer-layers': dict(title='both', options={**_tokens, **_layers}),
    'one-stage': dict(
        title='both distillations from the start',
        options={
            'custom_hooks.DistillStageHook.context_epochs': 0,
            'custom_hooks.DistillStageHook.vlt_lr_mult': 1.0,
        },
    ),
    'one-stage-two-rounds': dict(
        title='both from the start, a second round',
        options={
            'custom_hooks.DistillStageHook.context_epochs': 0,
            'custom_hooks.DistillStageHook.vlt_lr_mult': 1.0,
            **_two_rounds,
        },
    ),
    'vlt-rests': dict(
        title='VLT frozen in the second stage',
        options={'custom_hooks.DistillStageHook.vlt_lr_mult': 0.0},
    ),
    'no-queue': dict(
        title='captions of the batch only, no queue',
        options={_context + 'queue_size': 0},
    ),
    'hard-captions': dict(
        title='near-duplicate captions are negatives',
        options={_context + 'target_temperature': 0.001},
    ),
    'no-sentences': dict(
        title='captions as a whole, no sentences',
        options={_context + 'fine_weight': 0.0},
    ),
    'unmentioned-all': dict(
        title='unlabeled classes at full weight',
        options={_loss + 'unlabeled_weight': 1.0},
    ),
    'unmentioned-little': dict(
        title='unlabeled classes at a tenth of the weight',
        options={_loss + 'unlabeled_weight': 0.1},
    ),
    'no-instance_weight_power': dict(
        title='pairs of a bag weighted alike',
        options={
            _loss + 'instance_weight_power': 0.0,
            'model.label_noise.instance_weight_power': 0.0,
        },
    ),
    'no-noise': dict(
        title='no label noise model',
        options={'model.label_noise': None},
    ),
    'contrast': dict(
        title='contrast of pairs and phrases beside it',
        options={
            _loss + 'contrast': dict(_delete_=True, type='PairContrastLoss'),
            _loss + 'contrast_weight': 0.005,
        },
    ),
    'contrast-object': dict(
        title='InfoNCE beside it, negatives of the object',
        options={
            _loss + 'contrast': dict(
                _delete_=True, type='PairContrastLoss', same_object_only=True
            ),
            _loss + 'contrast_weight': 0.05,
        },
    ),
    'contrast-batch': dict(
        title="InfoNCE beside it, negatives of the batch's other images",
        options={
            _loss + 'contrast': dict(_delete_=True, type='BagContrastLoss'),
            _loss + 'contrast_weight': 0.05,
        },
    ),
    'contrast-foreign': dict(
        title='sigmoid form with the phrases of other objects',
        options={
            _loss + 'contrast': dict(_delete_=True, type='ForeignPhraseLoss'),
            _loss + 'contrast_weight': 0.1,
        },
    ),
    'no-pair-attention': dict(
        title='without pair self-attention',
        options={'model.icn.with_pair_attention': False},
    ),
    'fast-interactive': dict(
        title='three times the learning rate of interactiveness', options=_fast
    ),
    'image-fast-interactive': dict(
        title='image-level labels, the same learning rate',
        options={**_image, **_fast},
    ),
    # EM: classes of bags are inferred and labels counted.
    'learned-noise': dict(
        title='learnable label noise model',
        options={
            'model.label_noise': dict(
                _delete_=True, type='LearnableLabelNoise', warmup=114
            )
        },
    ),
}
