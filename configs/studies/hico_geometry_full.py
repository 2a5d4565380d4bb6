# HICO-DET's boxes at full size: official splits and protocol, annotated boxes
# as detections, no pixels.
config = '../hico_geometry/icn_hico_geometry_full.py'
seeds = [0, 1, 2]
metrics = dict(mAP='full', mAP_rare='rare', mAP_non_rare='non-rare')
reference = dict(row='instance', metric='mAP', title='of instance')

_root = 'data/hico_geometry_full/'
_annotations = f'{_root}annotations/train.json'
# Validation images, for choosing settings.
tests = dict(
    val={
        'test_dataloader.dataset.file': f'{_root}packed/val.safetensors',
        'test_dataloader.dataset.dataset.ann_file': 'annotations/val.json',
    }
)
_no_noise = {'model.label_noise': None}
_no_attention = {'model.icn.num_layers': 0}
_by_verb = {'model.icn.verbwise_interactiveness': True}


def _with_teacher(teacher: str) -> dict:
    return {
        'train_dataloader.dataset.teacher.cache': f'{_root}teacher/{teacher}'
    }


_instance = {'model.teacher_head.supervision': 'instance'}
_three = 'three typical teachers'

rows = {
    'random': dict(title='random scores for all pairs', baseline='random'),
    'prior': dict(
        title="each object's most frequent interactions", baseline='prior'
    ),
    'label-free': dict(title='label-free, typical teacher'),
    'no-noise': dict(
        title='label-free, no label noise model', options=_no_noise, seeds=[0]
    ),
    'measured': dict(
        title='label-free, teacher with measured errors',
        options=_with_teacher('measured'),
    ),
    'agree-any': dict(
        title=f'label-free, {_three}, independent errors',
        options=_with_teacher('agree_1'),
    ),
    'agree-shared-any': dict(
        title=f'label-free, {_three}, half of the errors shared',
        options=_with_teacher('agree_shared_1'),
    ),
    'image': dict(
        title='image-level labels',
        options={'model.teacher_head.supervision': 'image'},
        seeds=[0],
    ),
    'instance': dict(title='instance-level labels', options=_instance),
    # Uses of agreement. The rows above take all labels, with the share of
    # teachers as score.
    'agree': dict(
        title=f'labels of two of {_three}, independent errors',
        options=_with_teacher('agree_2'),
        seeds=[0],
    ),
    'agree-shared': dict(
        title=f'labels of two of {_three}, half of the errors shared',
        options=_with_teacher('agree_shared_2'),
        seeds=[0],
    ),
    'agree-no-noise': dict(
        title=f'labels of two of {_three}, no label noise model',
        options={**_with_teacher('agree_2'), **_no_noise},
        seeds=[0],
    ),
    'recall': dict(
        title="label-free, the noise model's recall is the teacher's",
        options={'model.label_noise.recall': 0.6},
        seeds=[0],
    ),
    'noisy-or': dict(
        title='label-free, bags by noisy-or',
        options={'model.interaction_loss.extra_positive_prior': 1.0},
        seeds=[0],
    ),
    'no-spatial': dict(
        title='label-free without geometry of pairs',
        options={'model.icn.with_geometry': False},
        seeds=[0],
    ),
    'no-attention': dict(
        title='label-free without pair self-attention',
        options=_no_attention,
        seeds=[0],
        reference='no-attention-instance',
    ),
    'no-attention-instance': dict(
        title='instance-level labels without pair self-attention',
        options={**_no_attention, **_instance},
        seeds=[0],
    ),
    'by-verb': dict(
        title='label-free, verb-wise interactiveness',
        options=_by_verb,
        seeds=[0],
        reference='by-verb-instance',
    ),
    'by-verb-instance': dict(
        title='instance-level labels, verb-wise interactiveness',
        options={**_by_verb, **_instance},
        seeds=[0],
    ),
}

# The first images of the training split; fewer images, more epochs.
_all = 33303
_growth = {'eighth': (4163, 12), 'quarter': (8326, 9), 'half': (16652, 7)}
for _name, (_count, _epochs) in _growth.items():
    for _row, _options in (('label-free', {}), ('instance', _instance)):
        _own = (
            {} if _row == 'instance' else dict(reference=f'instance-{_name}')
        )
        rows[f'{_row}-{_name}'] = dict(
            title=f'{rows[_row]["title"]}, {_count} images',
            options={
                'train_dataloader.dataset.indices': _count,
                'model.label_noise.warmup': _count // 64,
                'train_cfg.max_epochs': _epochs,
                **_options,
            },
            seeds=[0],
            **_own,
        )

tables = dict(
    main=dict(
        rows=[
            'random',
            'prior',
            'no-noise',
            'label-free',
            'measured',
            'agree-any',
            'agree-shared-any',
            'image',
            'instance',
        ]
    ),
    parts=dict(
        title='Parts, and uses of agreement',
        metrics={
            'mAP': 'full',
            'mAP_rare': 'rare',
            'mAP_non_rare': 'non-rare',
            'val.mAP': 'full, validation images',
        },
        rows=[
            'label-free',
            'recall',
            'noisy-or',
            'no-spatial',
            'no-attention',
            'no-attention-instance',
            'by-verb',
            'by-verb-instance',
            'agree',
            'agree-shared',
            'agree-no-noise',
        ],
    ),
    growth=dict(
        title='Fewer images',
        rows=[
            f'{row}-{name}'
            for name in _growth
            for row in ('label-free', 'instance')
        ],
    ),
)
plots = [
    dict(
        kind='lines',
        file='hico_geometry_full_images.svg',
        metric='mAP',
        title='HICO-DET without pixels, official splits',
        x_title='training images',
        x_scale='log',
        y_title='mAP (%)',
        series={
            title: [
                (count, f'{row}-{name}')
                for name, (count, _) in _growth.items()
            ]
            + [(_all, row)]
            for row, title in (
                ('label-free', 'label-free, typical teacher'),
                ('instance', 'instance-level labels'),
            )
        },
    )
]

_teacher = (
    f'python tools/dataset_converters/geometry.py teacher {_annotations} '
    '--preset'
)
_caches = {'typical': 'typical', 'measured': 'measured'}
for _least in (1, 2):
    _agreement = f'typical --unite 3 --min-teachers {_least}'
    _caches[f'agree_{_least}'] = _agreement
    _caches[f'agree_shared_{_least}'] = f'{_agreement} --shared-errors 0.5'
prepare = [
    dict(
        path=f'{_root}teacher/{_name}',
        command=f'{_teacher} {_options} --out {_root}teacher/{_name}',
    )
    for _name, _options in _caches.items()
]
