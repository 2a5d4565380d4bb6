# What was tried on the validation split of HICO-DET's boxes.
config = '../hico_geometry/icn_hico_geometry.py'
seeds = [0, 1]
split = 'val'
figures = dict(AP='AP', AP_multi='AP of several pairs')
reference = dict(row='instance', figure='AP', title='of instance')

_loss = 'model.interaction_loss.'
_noise = _loss + 'noise'
_by_verb = 'model.icn.interactive_by_verb'
rows = {
    'label-free': dict(title='as it is'),
    'no-noise': dict(
        title="the teacher's noise not modelled", options={_noise: None}
    ),
    'counted-noise': dict(
        title='its rates counted (TeacherNoise)',
        options={_noise: dict(type='TeacherNoise', warmup=176)},
    ),
    'recall': dict(
        title="own words' rate 0.6, the teacher's recall",
        options={f'{_noise}.own_rate': 0.6},
    ),
    'noisy-or': dict(
        title='bags by noisy-or', options={_loss + 'further_pairs': 1.0}
    ),
    'competition': dict(
        title='competition 4', options={_loss + 'competition': 4.0}
    ),
    'no-attention': dict(
        title='without attention among pairs',
        options={'model.icn.num_layers': 0},
    ),
    'no-attention-instance': dict(
        title='instance-level labels without attention among pairs',
        options={
            'model.icn.num_layers': 0,
            'model.teacher_head.supervision': 'instance',
        },
    ),
    'by-verb': dict(
        title='interactiveness of each verb', options={_by_verb: True}
    ),
    'by-verb-instance': dict(
        title='instance-level labels, interactiveness of each verb',
        options={_by_verb: True, 'model.teacher_head.supervision': 'instance'},
    ),
    'instance': dict(
        title='instance-level labels',
        options={'model.teacher_head.supervision': 'instance'},
    ),
}
