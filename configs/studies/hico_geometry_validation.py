# Experiments on the validation split of HICO-DET's boxes.
config = '../hico_geometry/icn_hico_geometry.py'
seeds = [0, 1]
split = 'val'
metrics = dict(AP='AP', AP_multi='AP of several pairs')
reference = dict(row='instance', metric='AP', title='of instance')

_loss = 'model.interaction_loss.'
_noise = 'model.label_noise'
_by_verb = 'model.icn.verbwise_interactiveness'
rows = {
    'label-free': dict(title='default'),
    'no-noise': dict(title='no label noise model', options={_noise: None}),
    'counted-noise': dict(
        title='EM label noise model',
        options={
            _noise: dict(
                _delete_=True,
                type='EMLabelNoise',
                warmup=176,
                instance_weight_power=2.0,
            )
        },
    ),
    'recall': dict(
        title="recall 0.6, the teacher's, in the label noise model",
        options={f'{_noise}.recall': 0.6},
    ),
    'noisy-or': dict(
        title='bags by noisy-or', options={_loss + 'extra_positive_prior': 1.0}
    ),
    'instance_weight_power': dict(
        title='instance_weight_power 4',
        options={
            _loss + 'instance_weight_power': 4.0,
            f'{_noise}.instance_weight_power': 4.0,
        },
    ),
    'no-attention': dict(
        title='without pair self-attention',
        options={'model.icn.num_layers': 0},
    ),
    'no-attention-instance': dict(
        title='instance-level labels without pair self-attention',
        options={
            'model.icn.num_layers': 0,
            'model.teacher_head.supervision': 'instance',
        },
    ),
    'by-verb': dict(
        title='verb-wise interactiveness', options={_by_verb: True}
    ),
    'by-verb-instance': dict(
        title='instance-level labels, verb-wise interactiveness',
        options={_by_verb: True, 'model.teacher_head.supervision': 'instance'},
    ),
    'instance': dict(
        title='instance-level labels',
        options={'model.teacher_head.supervision': 'instance'},
    ),
}
