# Ablations with a teacher with measured errors of VLLMs and with the typical
# teacher, on the mini world.
config = '../clhoi_r18_mini.py'
seeds = [0]
metrics = dict(mAP='mAP', mAP_rare='mAP_rare', mAP_non_rare='mAP_non_rare')
reference = dict(row='instance', metric='mAP', title='of instance')

_cache = 'train_dataloader.dataset.pipeline.LoadTeacherKnowledge.cache'
_one_round = {'train_cfg.max_epochs': 11}
_prior = 'model.interaction_loss.extra_positive_prior'

# The same rows for each teacher.
_options = {
    'label-free': ('default', {}),
    'all-verbs': (
        'one interactiveness',
        {'model.icn.verbwise_interactiveness': False},
    ),
    # Without posteriors, the second round continues with the same ICN.
    'no-noise-as-long': (
        'no label noise model, for as long',
        {'model.label_noise': None},
    ),
    'one-round': ('one round', _one_round),
    'no-noise': (
        'one round, no label noise model',
        {'model.label_noise': None, **_one_round},
    ),
    'noisy-or': (
        'one round, bags by noisy-or',
        {_prior: 1.0, **_one_round},
    ),
    'few': (
        'one round, few positives a bag',
        {_prior: 0.05, **_one_round},
    ),
}
rows = {}
for _teacher in ('typical', 'measured'):
    for _row, (_title, _changes) in _options.items():
        rows[f'{_teacher}-{_row}'] = dict(
            title=f'{_teacher} teacher, {_title}',
            options={
                _cache: f'data/mini/teacher/train_{_teacher}',
                **_changes,
            },
        )
# The prior of the label noise model is the typical teacher's recall.
rows['measured-recall'] = dict(
    title="measured teacher, one round, the noise model's prior is its recall",
    options={
        _cache: 'data/mini/teacher/train_measured',
        'model.label_noise.recall_prior': (33.0, 67.0),
        **_one_round,
    },
)
rows['instance'] = dict(
    title='instance-level labels',
    options={'model.teacher_head.supervision': 'instance'},
)

prepare = [
    dict(
        path=f'data/mini/teacher/train_{_teacher}',
        command='python tools/teacher/simulate.py --ann '
        f'data/mini/annotations/train.json --vocabulary mini --preset '
        f'{_teacher} --out data/mini/teacher/train_{_teacher}',
    )
    for _teacher in ('typical', 'measured')
]
