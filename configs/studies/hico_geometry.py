# HICO-DET's boxes without pixels: results of label-free training on real
# annotations, ablations, and the effect of the teacher's errors.
config = '../hico_geometry/icn_hico_geometry.py'
seeds = [0, 1, 2]
metrics = dict(AP='AP', AP_rare='AP rare', AP_multi='AP of several pairs')
reference = dict(row='instance', metric='AP', title='of instance')

_cache = (
    'train_dataloader.dataset.pipeline.CachedTransforms.steps.'
    'LoadTeacherKnowledge.cache'
)
_teachers = 'data/hico_geometry/teacher/'
_annotations = 'data/hico_geometry/annotations/train.json'
_no_noise = {'model.label_noise': None}
_instance = {'model.teacher_head.supervision': 'instance'}
_no_attention = {'model.icn.num_layers': 0}
_by_verb = {'model.icn.verbwise_interactiveness': True}

# A second round trains a re-initialized ICN on the first one's posteriors, as
# in configs/clhoi_r18_mini.py; training with labels has the same length.
_second_round = {
    'train_cfg.max_epochs': 18,
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
            restarts=[9],
            convert_to_iter_based=True,
        ),
        dict(
            type='LinearLR',
            start_factor=0.01,
            by_epoch=True,
            begin=9,
            end=10,
            convert_to_iter_based=True,
        ),
    ],
    'custom_hooks': [
        dict(type='DistillStageHook', context_epochs=0),
        dict(type='EpochSeedHook'),
        dict(type='JsonConfigHook'),
        dict(type='SelfDistillHook', epochs=[9]),
    ],
}


def _with_teacher(teacher: str) -> dict:
    return {_cache: _teachers + teacher}


rows = {
    'random': dict(title='random scores for all pairs', baseline='random'),
    'prior': dict(
        title="each object's most frequent interactions", baseline='prior'
    ),
    'copy': dict(
        title='pseudo-labels copied to all pairs, typical teacher',
        options={'model.teacher_head.broadcast_image_labels': True},
        seeds=[0],
    ),
    'label-free': dict(title='label-free, typical teacher'),
    'no-noise': dict(
        title='label-free, no label noise model', options=_no_noise
    ),
    # No prior for few positives: noisy-or.
    'noisy-or': dict(
        title='label-free, bags by noisy-or',
        options={'model.interaction_loss.extra_positive_prior': 1.0},
    ),
    # All pairs of a bag explain its label equally.
    'no-instance_weight_power': dict(
        title='label-free, pairs of a bag weighted alike',
        options={
            'model.interaction_loss.instance_weight_power': 0.0,
            'model.label_noise.instance_weight_power': 0.0,
        },
        seeds=[0],
    ),
    'no-spatial': dict(
        title='label-free without geometry of pairs',
        options={'model.icn.with_geometry': False},
        seeds=[0],
    ),
    'image': dict(
        title='image-level labels',
        options={'model.teacher_head.supervision': 'image'},
    ),
    'instance': dict(title='instance-level labels', options=_instance),
    'two-rounds': dict(
        title='label-free with a second round of self-distillation',
        options=_second_round,
        reference='two-rounds-instance',
    ),
    'two-rounds-instance': dict(
        title='instance-level labels, for as long',
        options={**_second_round, **_instance},
    ),
    'no-attention': dict(
        title='label-free without pair self-attention',
        options=_no_attention,
        reference='no-attention-instance',
    ),
    'no-attention-instance': dict(
        title='instance-level labels without pair self-attention',
        options={**_no_attention, **_instance},
    ),
    'by-verb': dict(
        title='label-free, verb-wise interactiveness',
        options=_by_verb,
        reference='by-verb-instance',
    ),
    'by-verb-image': dict(
        title='image-level labels, verb-wise interactiveness',
        options={**_by_verb, 'model.teacher_head.supervision': 'image'},
        reference='by-verb-instance',
    ),
    'by-verb-instance': dict(
        title='instance-level labels, verb-wise interactiveness',
        options={**_by_verb, **_instance},
    ),
    'by-verb-weak': dict(
        title='label-free, weak teacher, verb-wise interactiveness',
        options={**_with_teacher('weak'), **_by_verb},
        reference='by-verb-instance',
        seeds=[0],
    ),
    'by-verb-strong': dict(
        title='label-free, strong teacher, verb-wise interactiveness',
        options={**_with_teacher('strong'), **_by_verb},
        reference='by-verb-instance',
        seeds=[0],
    ),
    'weak': dict(
        title='label-free, weak teacher', options=_with_teacher('weak')
    ),
    'weak-no-noise': dict(
        title='weak teacher, no label noise model',
        options={**_with_teacher('weak'), **_no_noise},
        seeds=[0],
    ),
    'strong': dict(
        title='label-free, strong teacher', options=_with_teacher('strong')
    ),
    'strong-no-noise': dict(
        title='strong teacher, no label noise model',
        options={**_with_teacher('strong'), **_no_noise},
        seeds=[0],
    ),
}

# Curves are of the ICN without pair attention, which takes half the time and
# shows the same effect of the teacher's errors: teachers of each precision at
# the typical recall, and vice versa.
_curves = dict(
    precision=[(0.40, 0.60), (0.70, 0.60), (0.85, 0.60), (1.00, 0.60)],
    recall=[(0.55, 0.40), (0.55, 0.80), (0.55, 1.00)],
)
_names = {
    point: f'p{point[0] * 100:.0f}_r{point[1] * 100:.0f}'
    for points in _curves.values()
    for point in points
}
for (_precision, _recall), _name in _names.items():
    rows[_name] = dict(
        title=f'label-free, precision {_precision:.2f}, recall {_recall:.2f}',
        options={**_with_teacher(_name), **_no_attention},
        reference='no-attention-instance',
        seeds=[0],
    )

# The first quarter and half of the training split's images.
_growth = {1396: 'quarter', 2793: 'half'}
for _count, _name in _growth.items():
    for _row, _options in (('label-free', {}), ('instance', _instance)):
        _own = (
            {} if _row == 'instance' else dict(reference=f'instance-{_name}')
        )
        rows[f'{_row}-{_name}'] = dict(
            title=f'{rows[_row]["title"]}, {_count} images',
            options={'train_dataloader.dataset.indices': _count, **_options},
            **_own,
        )

tables = dict(
    parts=dict(
        rows=[
            'random',
            'prior',
            'copy',
            'label-free',
            'no-noise',
            'noisy-or',
            'no-instance_weight_power',
            'no-spatial',
            'image',
            'instance',
            'two-rounds',
            'two-rounds-instance',
            'no-attention',
            'no-attention-instance',
        ]
    ),
    teachers=dict(
        title='Other teachers',
        rows=[
            'weak',
            'weak-no-noise',
            'strong',
            'strong-no-noise',
            'instance',
        ],
    ),
    curves=dict(
        title='Precision and recall, without pair self-attention',
        rows=[*_names.values(), 'no-attention', 'no-attention-instance'],
    ),
    by_verb=dict(
        title='Verb-wise interactiveness',
        rows=[
            'by-verb',
            'by-verb-weak',
            'by-verb-strong',
            'by-verb-image',
            'by-verb-instance',
        ],
    ),
    growth=dict(
        title='Fewer images',
        rows=[
            f'{row}-{name}'
            for name in _growth.values()
            for row in ('label-free', 'instance')
        ],
    ),
)

_levels = {
    'no-attention-instance': 'instance-level labels',
    'prior': 'object prior',
}
plots = [
    dict(
        kind='lines',
        file=f'hico_geometry_{_axis}.svg',
        metric='AP',
        title=f'HICO-DET without pixels, {_fixed}',
        x_title=f'{_axis} of the pseudo-labels',
        y_title='AP (%)',
        series={
            'label-free': sorted(
                [(p[_axis == 'recall'], _names[p]) for p in _points]
                + [(_typical, 'no-attention')]
            )
        },
        levels=_levels,
    )
    for (_axis, _points), _typical, _fixed in zip(
        _curves.items(), (0.55, 0.60), ('recall 0.60', 'precision 0.55')
    )
] + [
    dict(
        kind='lines',
        file='hico_geometry_images.svg',
        metric='AP',
        title='HICO-DET without pixels',
        x_title='training images',
        y_title='AP (%)',
        series={
            row: [(count, f'{row}-{name}') for count, name in _growth.items()]
            + [(5585, row)]
            for row in ('label-free', 'instance')
        },
    )
]

prepare = [
    dict(
        path=f'{_teachers}{_preset}',
        command='python tools/dataset_converters/geometry.py teacher '
        f'{_annotations} --preset {_preset} --out {_teachers}{_preset}',
    )
    for _preset in ('weak', 'typical', 'strong')
] + [
    dict(
        path=f'{_teachers}{_name}',
        command='python tools/dataset_converters/geometry.py teacher '
        f'{_annotations} --precision {_precision} --recall {_recall} '
        f'--out {_teachers}{_name}',
    )
    for (_precision, _recall), _name in _names.items()
]
