# HICO-DET's boxes without pixels: what label-free training reaches on real
# annotations, what its parts are worth, and what the teacher's errors cost.
config = '../hico_geometry/icn_hico_geometry.py'
seeds = [0, 1, 2]
figures = dict(AP='AP', AP_rare='AP rare', AP_multi='AP of several pairs')
reference = dict(row='instance', figure='AP', title='of instance')

_cache = 'train_dataloader.dataset.pipeline.1.steps.2.cache'
_teachers = 'data/hico_geometry/teacher/'
_annotations = 'data/hico_geometry/annotations/train.json'
# Before the second round: an elder is asked where words are doubted alone.
_one_round = {'train_cfg.max_epochs': 9}
_no_noise = {'model.interaction_loss.noise': None, **_one_round}
_instance = {'model.teacher_head.supervision': 'instance'}
_no_attention = {'model.icn.num_layers': 0, **_one_round}


def _told_by(teacher: str) -> dict:
    return {_cache: _teachers + teacher}


rows = {
    'random': dict(title='random scores for all pairs', baseline='random'),
    'prior': dict(
        title="each object's most frequent interactions", baseline='prior'),
    'copy': dict(
        title="the image's labels copied to all pairs, typical teacher",
        options={'model.teacher_head.copy_to_pairs': True, **_one_round},
        seeds=[0]),
    'label-free': dict(title='label-free, typical teacher'),
    'no-self-distillation': dict(
        title='label-free, one round alone', options=_one_round),
    'no-noise': dict(
        title="label-free, the teacher's noise not modelled",
        options=_no_noise),
    # Any number of a used object's pairs interact as likely as one.
    'noisy-or': dict(
        title='label-free, used objects by noisy-or',
        options={
            'model.interaction_loss.further_pairs': 1.,
            **_one_round
        }),
    # An idle bystander explains as much as the pair that interacts.
    'no-competition': dict(
        title='label-free, pairs do not compete for a word',
        options={
            'model.interaction_loss.competition': 0.,
            **_one_round
        },
        seeds=[0]),
    'no-spatial': dict(
        title='label-free without geometry of pairs',
        options={'model.icn.with_geometry': False, **_one_round},
        seeds=[0]),
    'image': dict(
        title='image-level labels',
        options={'model.teacher_head.supervision': 'image', **_one_round}),
    'instance': dict(title='instance-level labels', options=_instance),
    'instance-one-round': dict(
        title='instance-level labels', options={**_instance, **_one_round}),
    'no-attention': dict(
        title='label-free without attention among pairs',
        options=_no_attention,
        reference='no-attention-instance'),
    'no-attention-instance': dict(
        title='instance-level labels without attention among pairs',
        options={**_no_attention, **_instance}),
    'weak': dict(
        title='label-free, weak teacher',
        options={**_told_by('weak'), **_one_round}),
    'weak-no-noise': dict(
        title='weak teacher, noise not modelled',
        options={**_told_by('weak'), **_no_noise},
        seeds=[0]),
    'strong': dict(
        title='label-free, strong teacher',
        options={**_told_by('strong'), **_one_round}),
    'strong-no-noise': dict(
        title='strong teacher, noise not modelled',
        options={**_told_by('strong'), **_no_noise},
        seeds=[0]),
}

# Shares within one round are of labels in one round.
for _row in ('no-self-distillation', 'no-noise', 'noisy-or', 'image', 'weak',
             'strong'):
    rows[_row]['reference'] = 'instance-one-round'

# Curves are of one round and of pairs judged each by itself: a quarter of the
# time, and what the teacher's errors cost shows as well.
# A teacher of each precision at the typical recall, and the other way round.
_curves = dict(
    precision=[(0.40, 0.60), (0.70, 0.60), (0.85, 0.60), (1.00, 0.60)],
    recall=[(0.55, 0.40), (0.55, 0.80), (0.55, 1.00)])
_names = {
    point: f'p{point[0] * 100:.0f}_r{point[1] * 100:.0f}'
    for points in _curves.values() for point in points
}
for (_precision, _recall), _name in _names.items():
    rows[_name] = dict(
        title=f'label-free, precision {_precision:.2f}, recall {_recall:.2f}',
        options={**_told_by(_name), **_no_attention},
        reference='no-attention-instance',
        seeds=[0])

# The first images of the training split: a quarter and half of it.
_growth = {1396: 'quarter', 2793: 'half'}
for _count, _name in _growth.items():
    for _row, _options in (('label-free', {}), ('instance', _instance)):
        _own = dict(reference='no-attention-instance' if _row == 'instance'
                    else f'instance-{_name}')
        rows[f'{_row}-{_name}'] = dict(
            title=f'{rows[_row]["title"]}, {_count} images',
            options={
                'train_dataloader.dataset.indices': _count,
                **_no_attention,
                **_options
            },
            seeds=[0],
            **_own)

tables = dict(
    parts=dict(rows=['random', 'prior', 'label-free', 'instance']),
    one_round=dict(
        title='One round',
        rows=[
            'copy', 'no-self-distillation', 'no-noise', 'noisy-or',
            'no-competition', 'no-spatial', 'image', 'weak', 'weak-no-noise',
            'strong', 'strong-no-noise', 'instance-one-round', 'no-attention',
            'no-attention-instance'
        ]),
    curves=dict(
        title='Precision and recall, one round without attention among pairs',
        rows=[*_names.values(), 'no-attention', 'no-attention-instance']),
    growth=dict(
        title='Fewer images, one round without attention among pairs',
        rows=[
            f'{row}-{name}' for name in _growth.values()
            for row in ('label-free', 'instance')
        ]))

_levels = {
    'no-attention-instance': 'instance-level labels',
    'prior': 'object prior'
}
plots = [
    dict(
        kind='lines',
        file=f'hico_geometry_{_axis}.svg',
        figure='AP',
        title=f'HICO-DET without pixels, {_fixed}',
        x_title=f"{_axis} of the teacher's words",
        y_title='AP (%)',
        series={
            'label-free':
            sorted([(p[_axis == 'recall'], _names[p])
                    for p in _points] + [(_typical, 'no-attention')])
        },
        levels=_levels)
    for (_axis, _points), _typical, _fixed in zip(
        _curves.items(), (0.55, 0.60), ('recall 0.60', 'precision 0.55'))
] + [
    dict(
        kind='lines',
        file='hico_geometry_images.svg',
        figure='AP',
        title='HICO-DET without pixels, seed 0 of the smaller sets',
        x_title='training images',
        y_title='AP (%)',
        series={
            row: [(count, f'{row}-{name}') for count, name in _growth.items()
                  ] + [(5585, whole)]
            for row, whole in (('label-free', 'no-attention'),
                               ('instance', 'no-attention-instance'))
        })
]

prepare = [
    dict(
        path=f'{_teachers}{_preset}',
        command='python tools/dataset_converters/geometry.py teacher '
        f'{_annotations} --preset {_preset} --out {_teachers}{_preset}')
    for _preset in ('weak', 'typical', 'strong')
] + [
    dict(
        path=f'{_teachers}{_name}',
        command='python tools/dataset_converters/geometry.py teacher '
        f'{_annotations} --precision {_precision} --recall {_recall} '
        f'--out {_teachers}{_name}')
    for (_precision, _recall), _name in _names.items()
]
