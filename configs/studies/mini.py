# What label-free training reaches on the mini world, and what its parts are
# worth. `make study` runs it; python projects/studies/study.py --help.
config = '../clhoi_r18_mini.py'
seeds = [0, 1, 2]
metrics = dict(
    mAP='mAP',
    mAP_rare='mAP_rare',
    mAP_non_rare='mAP_non_rare',
    mAP_ko='mAP_ko',
)
reference = dict(row='instance', metric='mAP', title='of instance')

# Without a loss for the context there is no stage for it: all epochs train
# all that is left.
_no_context_stage = {'custom_hooks.DistillStageHook.context_epochs': 0}
_cache = 'train_dataloader.dataset.pipeline.LoadTeacherKnowledge.cache'
# Before the second round, which is of use where words are doubted alone.
_one_round = {'train_cfg.max_epochs': 11}
_no_noise = {'model.label_noise': None, **_one_round}
_all_verbs = {'model.icn.verbwise_interactiveness': False}
_weak = {_cache: 'data/mini/teacher/train_weak'}
_strong = {_cache: 'data/mini/teacher/train_strong'}

rows = {
    'random': dict(title='random scores for all pairs', baseline='random'),
    'prior': dict(
        title="each object's most frequent interactions", baseline='prior'
    ),
    'copy': dict(
        title='image-level labels copied to all pairs, typical teacher',
        options={
            'model.teacher_head.broadcast_image_labels': True,
            **_one_round,
        },
    ),
    'label-free': dict(title='label-free, typical teacher'),
    # The VLT is there and learns from interactions alone, for as many steps.
    'no-context': dict(
        title='label-free without context distillation',
        options={'model.context_loss': None, **_no_context_stage},
    ),
    # The ICN has no context to listen to.
    'no-vlt': dict(
        title='label-free without the VLT',
        options={
            'model.vlt': None,
            'model.context_loss': None,
            **_no_context_stage,
        },
    ),
    # An untrained ICN says nothing: the image's embedding against the phrases
    # of an object scores its pairs.
    'no-interaction': dict(
        title='label-free without interaction distillation',
        options={
            'model.interaction_loss': None,
            **_no_context_stage,
            **_one_round,
        },
    ),
    # No RoI features: a pair is where it is, its object and the context.
    'no-visual': dict(
        title='label-free without visual features of pairs',
        options={'model.icn.roi_extractor': None},
    ),
    'no-spatial': dict(
        title='label-free without geometry of pairs',
        options={'model.icn.with_geometry': False},
    ),
    # Who interacts, whatever the verb.
    'all-verbs': dict(
        title='label-free, one interactiveness',
        options=_all_verbs,
    ),
    'image-all-verbs': dict(
        title='image-level labels, one interactiveness',
        options={**_all_verbs, 'model.teacher_head.supervision': 'image'},
    ),
    'instance-all-verbs': dict(
        title='instance-level labels, one interactiveness',
        options={**_all_verbs, 'model.teacher_head.supervision': 'instance'},
    ),
    'image': dict(
        title='image-level labels',
        options={'model.teacher_head.supervision': 'image'},
    ),
    'instance': dict(
        title='instance-level labels',
        options={'model.teacher_head.supervision': 'instance'},
    ),
    # One round from here on.
    'no-self-distillation': dict(
        title='label-free, one round', options=_one_round
    ),
    'no-noise': dict(
        title='label-free, no label noise model', options=_no_noise
    ),
    # Any number of a bag's pairs interact as likely as one.
    'noisy-or': dict(
        title='label-free, bags by noisy-or',
        options={
            'model.interaction_loss.extra_positive_prior': 1.0,
            **_one_round,
        },
    ),
    # Which verb it is, is learned by contrast alone. What is known of the
    # teacher's noise comes from the bag loss and goes with it.
    'no-bag-loss': dict(
        title='label-free, contrast of pairs and phrases in place of the '
        'loss on bags',
        options={
            'model.interaction_loss.loss_mil_weight': 0.0,
            'model.interaction_loss.contrast_weight': 1.0,
            **_no_noise,
        },
    ),
    'contrast': dict(
        title='label-free with contrast of pairs and phrases beside it',
        options={
            'model.interaction_loss.contrast_weight': 0.005,
            **_one_round,
        },
    ),
    'no-pair-attention': dict(
        title='label-free without pair self-attention',
        options={'model.icn.with_pair_attention': False, **_one_round},
    ),
    'image-one-round': dict(
        title='image-level labels',
        options={'model.teacher_head.supervision': 'image', **_one_round},
    ),
    'image-noisy-or': dict(
        title='image-level labels, bags by noisy-or',
        options={
            'model.teacher_head.supervision': 'image',
            'model.interaction_loss.extra_positive_prior': 1.0,
            **_one_round,
        },
    ),
    'instance-one-round': dict(
        title='instance-level labels',
        options={'model.teacher_head.supervision': 'instance', **_one_round},
    ),
    'weak': dict(title='label-free, weak teacher', options=_weak),
    'weak-all-verbs': dict(
        title='weak teacher, one interactiveness',
        options={**_weak, **_all_verbs},
    ),
    'weak-no-noise': dict(
        title='weak teacher, no label noise model',
        options={**_weak, **_no_noise},
    ),
    'strong': dict(title='label-free, strong teacher', options=_strong),
    'strong-no-noise': dict(
        title='strong teacher, no label noise model',
        options={**_strong, **_no_noise},
    ),
}

_one_round_rows = [
    'no-self-distillation',
    'no-noise',
    'noisy-or',
    'no-bag-loss',
    'contrast',
    'no-pair-attention',
    'image-one-round',
    'image-noisy-or',
    'instance-one-round',
]
_teachers = [
    'weak',
    'weak-all-verbs',
    'weak-no-noise',
    'strong',
    'strong-no-noise',
    'instance',
]
tables = dict(
    parts=dict(
        rows=[
            row
            for row in rows
            if row == 'instance' or row not in _teachers + _one_round_rows
        ]
    ),
    one_round=dict(title='One round', rows=_one_round_rows),
    teachers=dict(title='Other teachers', rows=_teachers),
)

# Presets of the simulated teacher by their precision.
plots = [
    dict(
        kind='lines',
        file='mini_teachers.svg',
        metric='mAP',
        title='Mini world, test split',
        x_title='precision of the pseudo-labels',
        y_title='mAP (%)',
        series={
            'label-free': [
                (0.40, 'weak'),
                (0.55, 'label-free'),
                (0.70, 'strong'),
            ],
            'noise not modelled': [
                (0.40, 'weak-no-noise'),
                (0.55, 'no-noise'),
                (0.70, 'strong-no-noise'),
            ],
        },
        levels={'instance': 'instance-level labels', 'prior': 'object prior'},
    )
]

prepare = [
    dict(
        path='data/mini/annotations/train.json',
        command='python projects/mini_world/make_mini.py --out data/mini',
    ),
    dict(
        path='data/mini/teacher/train_weak',
        command='python tools/teacher/simulate.py '
        '--ann data/mini/annotations/train.json --vocabulary mini '
        '--preset weak --out data/mini/teacher/train_weak',
    ),
    dict(
        path='data/mini/teacher/train_strong',
        command='python tools/teacher/simulate.py '
        '--ann data/mini/annotations/train.json --vocabulary mini '
        '--preset strong --out data/mini/teacher/train_strong',
    ),
]
