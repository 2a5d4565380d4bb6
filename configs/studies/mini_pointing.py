# Pointed pairs of the teacher on the mini world, by their accuracy.
config = '../clhoi_r18_mini.py'
seeds = [0, 1, 2]
metrics = dict(
    mAP='mAP',
    mAP_rare='mAP_rare',
    mAP_non_rare='mAP_non_rare',
)
reference = dict(row='instance', metric='mAP', title='of instance')

_cache = 'train_dataloader.dataset.pipeline.LoadTeacherKnowledge.cache'
_accuracies = (0.5, 0.7, 0.85, 1.0)


# Three typical teachers, asked by the real stages: labels that any of them
# names, scored by the share that does, with the answers of each that points.
_three = 'data/mini/teacher/train_three_points_0.7'
_features = 'work_dirs/mini_study/features.safetensors'


def _teacher(preset, accuracy=None):
    path = f'data/mini/teacher/train_{preset}'
    return path if accuracy is None else f'{path}_points_{accuracy}'


rows = {
    'label-free': dict(title='typical teacher, does not point'),
    **{
        f'points-{accuracy}': dict(
            title=f'typical teacher, points with accuracy {accuracy}',
            options={_cache: _teacher('typical', accuracy)},
        )
        for accuracy in _accuracies
    },
    'agree': dict(
        title='three typical teachers, do not point',
        options={_cache: _three, 'model.pointing': None},
    ),
    'agree-points-0.7': dict(
        title='three typical teachers, point with accuracy 0.7',
        options={_cache: _three},
    ),
    'weak': dict(
        title='weak teacher, does not point',
        options={_cache: _teacher('weak')},
    ),
    'weak-points-0.7': dict(
        title='weak teacher, points with accuracy 0.7',
        options={_cache: _teacher('weak', 0.7)},
    ),
    'perfect-points-0.7': dict(
        title='teacher without errors, points with accuracy 0.7',
        options={_cache: _teacher('perfect', 0.7)},
    ),
    'image': dict(
        title='image-level labels',
        options={'model.teacher_head.supervision': 'image'},
    ),
    'instance': dict(
        title='instance-level labels',
        options={'model.teacher_head.supervision': 'instance'},
    ),
}
tables = dict(
    pointing=dict(rows=list(rows)),
    reliability=dict(
        title='Estimated reliability (percent)',
        rows=[row for row in rows if 'points' in row],
        metrics=dict(pointing_reliability='estimate'),
    ),
)

plots = [
    dict(
        kind='lines',
        file='mini_pointing.svg',
        metric='mAP',
        title='Mini world, test split',
        x_title='accuracy with which the teacher points at pairs',
        y_title='mAP (%)',
        series={
            'typical teacher': [
                (accuracy, f'points-{accuracy}') for accuracy in _accuracies
            ],
            'weak teacher': [(0.7, 'weak-points-0.7')],
        },
        levels={
            'instance': 'instance-level labels',
            'label-free': 'typical teacher, not asked to point',
            'weak': 'weak teacher, not asked to point',
        },
    )
]

prepare = [
    dict(
        path='data/mini/annotations/train.json',
        command='python projects/mini_world/make_mini.py --out data/mini',
    ),
    *(
        dict(
            path=_teacher(preset, accuracy),
            command='python tools/teacher/simulate.py '
            '--ann data/mini/annotations/train.json --vocabulary mini '
            f'--preset {preset} --out {_teacher(preset, accuracy)}'
            + (f' --pointing-accuracy {accuracy}' if accuracy else ''),
        )
        for preset, accuracy in (
            *(('typical', accuracy) for accuracy in _accuracies),
            ('weak', None),
            ('weak', 0.7),
            ('perfect', 0.7),
        )
    ),
    dict(
        path=_three,
        command=[
            *(
                'python tools/teacher/annotate.py run --vocab mini '
                '--stages describe list locate parse --backend simulated '
                f'--options teacher={number} pointing_accuracy=0.7 '
                '--images data/mini/annotations/train.json '
                f'--image-root data/mini --objects {_features} '
                f'--out {_three}_{number}'
                for number in range(3)
            ),
            f'python tools/teacher/annotate.py agree {_three}_0 {_three}_1 '
            f'{_three}_2 --vocab mini --min-teachers 1 --out {_three}_agreed',
            'python tools/teacher/annotate.py pack --vocab mini '
            f'--text-encoder hashed:256 --out {_three}_agreed',
            f'mv {_three}_agreed {_three}',
        ],
    ),
]
