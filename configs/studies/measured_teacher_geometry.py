# Ablations with a teacher with measured errors of VLLMs and with the typical
# teacher, on HICO-DET's boxes without pixels.
config = '../hico_geometry/icn_hico_geometry.py'
seeds = [0]
metrics = dict(AP='AP', AP_rare='AP rare', AP_multi='AP of several pairs')
reference = dict(row='instance', metric='AP', title='of instance')

_cache = (
    'train_dataloader.dataset.pipeline.CachedTransforms.steps.'
    'LoadTeacherKnowledge.cache'
)
_prior = 'model.interaction_loss.extra_positive_prior'
# A second round, as in configs/studies/hico_geometry.py.
_warmup = dict(
    type='LinearLR',
    start_factor=0.01,
    by_epoch=True,
    convert_to_iter_based=True,
)
_second_round = {
    'train_cfg.max_epochs': 18,
    'param_scheduler': [
        dict(_warmup, begin=0, end=1),
        dict(
            type='CosineRestartAtLR',
            eta_min_ratio=0.01,
            by_epoch=True,
            begin=1,
            restarts=[9],
            convert_to_iter_based=True,
        ),
        dict(_warmup, begin=9, end=10),
    ],
    'custom_hooks': [
        dict(type='DistillStageHook', context_epochs=0),
        dict(type='EpochSeedHook'),
        dict(type='JsonConfigHook'),
        dict(type='SelfDistillHook', epochs=[9]),
    ],
}

# The same rows for each teacher.
_options = {
    'label-free': ('default', {}),
    'no-noise': ('no label noise model', {'model.label_noise': None}),
    'two-rounds': ('a second round', _second_round),
    'by-verb': (
        'verb-wise interactiveness',
        {'model.icn.verbwise_interactiveness': True},
    ),
    'noisy-or': ('bags by noisy-or', {_prior: 1.0}),
    'few': ('few positives a bag', {_prior: 0.05}),
}
rows = {}
for _teacher in ('typical', 'measured'):
    for _row, (_title, _changes) in _options.items():
        rows[f'{_teacher}-{_row}'] = dict(
            title=f'{_teacher} teacher, {_title}',
            options={
                _cache: f'data/hico_geometry/teacher/{_teacher}',
                **_changes,
            },
        )
# The label noise model fixes the recall at 0.8.
rows['measured-recall'] = dict(
    title="measured teacher, the noise model's recall is the teacher's",
    options={
        _cache: 'data/hico_geometry/teacher/measured',
        'model.label_noise.recall': 0.33,
    },
)
rows['instance'] = dict(
    title='instance-level labels',
    options={'model.teacher_head.supervision': 'instance'},
)

prepare = [
    dict(
        path=f'data/hico_geometry/teacher/{_teacher}',
        command='python tools/dataset_converters/geometry.py teacher '
        f'data/hico_geometry/annotations/train.json --preset {_teacher} '
        f'--out data/hico_geometry/teacher/{_teacher}',
    )
    for _teacher in ('typical', 'measured')
]
