# Label-free training on the mini world, and ablations. `make study` runs it;
# see python projects/studies/study.py --help.
config = '../clhoi_r18_mini.py'
seeds = [0, 1, 2]
metrics = dict(
    mAP='mAP',
    mAP_rare='mAP_rare',
    mAP_non_rare='mAP_non_rare',
    mAP_ko='mAP_ko',
)
reference = dict(row='instance', metric='mAP', title='of instance')

# Without a context loss, all epochs are of the second stage.
_no_context_stage = {'custom_hooks.DistillStageHook.context_epochs': 0}
_cache = 'train_dataloader.dataset.pipeline.LoadTeacherKnowledge.cache'
# One round: stops before self-distillation, which uses the label noise model.
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
        title='pseudo-labels copied to all pairs, typical teacher',
        options={
            'model.teacher_head.broadcast_image_labels': True,
            **_one_round,
        },
    ),
    'label-free': dict(title='label-free, typical teacher'),
    # The VLT is trained by the interaction losses alone, for as many steps.
    'no-context': dict(
        title='label-free without context distillation',
        options={'model.context_loss': None, **_no_context_stage},
    ),
    # The ICN has no cross-attention to context.
    'no-vlt': dict(
        title='label-free without the VLT',
        options={
            'model.vlt': None,
            'model.context_loss': None,
            **_no_context_stage,
        },
    ),
    # Without a trained ICN, pairs are scored by the similarity of the image
    # embedding to the phrases of their object.
    'no-interaction': dict(
        title='label-free without interaction distillation',
        options={
            'model.interaction_loss': None,
            **_no_context_stage,
            **_one_round,
        },
    ),
    # No RoI features: pairs have geometry, object name and context only.
    'no-visual': dict(
        title='label-free without visual features of pairs',
        options={'model.icn.roi_extractor': None},
    ),
    'no-spatial': dict(
        title='label-free without geometry of pairs',
        options={'model.icn.with_geometry': False},
    ),
    # Common interactiveness for all verbs.
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
    # Rows without a second round.
    'no-self-distillation': dict(
        title='label-free, one round', options=_one_round
    ),
    'no-noise': dict(
        title='label-free, no label noise model', options=_no_noise
    ),
    # No prior for few positives: noisy-or.
    'noisy-or': dict(
        title='label-free, bags by noisy-or',
        options={
            'model.interaction_loss.extra_positive_prior': 1.0,
            **_one_round,
        },
    ),
    # Classes are learned by the contrastive loss alone. The label noise model
    # depends on the bag loss and is left out with it.
    'no-bag-loss': dict(
        title='label-free, contrast of pairs and phrases in place of the '
        'loss on bags',
        options={
            'model.interaction_loss.loss_mil_weight': 0.0,
            'model.interaction_loss.contrast': dict(
                _delete_=True, type='PairContrastLoss'
            ),
            **_no_noise,
        },
    ),
    'contrast': dict(
        title='label-free with contrast of pairs and phrases beside it',
        options={
            'model.interaction_loss.contrast': dict(
                _delete_=True, type='PairContrastLoss'
            ),
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

# Presets of the simulated teacher by precision.
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
