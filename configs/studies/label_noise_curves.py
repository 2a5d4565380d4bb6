# Gain of label noise models: simulated teachers on V-COCO's boxes without
# pixels, by images, precision, recall and share of systematic errors.
config = '../v_coco_geometry/icn_v_coco_geometry.py'
seeds = [0]
metrics = dict(AP='AP', AP_multi='AP of several pairs')

_folder = 'data/v_coco_geometry/'
_cache = (
    'train_dataloader.dataset.pipeline.CachedTransforms.steps.'
    'LoadTeacherKnowledge.cache'
)
_teacher = (
    'python tools/dataset_converters/geometry.py teacher '
    f'{_folder}annotations/train.json --vocabulary v_coco '
)
# Images, batch size and epochs; as few images as configs/studies/
# v_coco_real_words.py trains on, with its schedule.
_sizes = {306: (32, 10), 1430: (64, 9), 5719: (64, 9)}
# Precision, recall and whether half of the errors are systematic.
_typical = (0.55, 0.60, True)
_teachers = [
    (0.55, 0.60, True),
    (0.55, 0.60, False),
    (0.75, 0.55, True),
    (0.95, 0.55, True),
    (0.75, 0.20, True),
    (0.75, 0.90, True),
]


def _name(teacher: tuple) -> str:
    precision, recall, confuse = teacher
    return f'p{precision * 100:.0f}_r{recall * 100:.0f}' + '_random' * (
        not confuse
    )


def _title(teacher: tuple) -> str:
    precision, recall, confuse = teacher
    return f'precision {precision:.2f}, recall {recall:.2f}' + (
        ', no systematic errors' * (not confuse)
    )


def _models(images: int, batch_size: int) -> dict:
    """Noise models with warm-ups of one and of three epochs."""
    iterations = -(-images // batch_size)
    learnable = dict(
        _delete_=True,
        type='LearnableLabelNoise',
        warmup=iterations,
        # One over the images and about 8 compatible classes of each.
        prior_weight=1 / (8 * images),
        instance_weight_power=2.0,
    )
    return {
        'none': ('no label noise model', None),
        'learned': ('learnable', learnable),
        'counted': (
            'EM',
            dict(
                _delete_=True,
                type='EMLabelNoise',
                warmup=3 * iterations,
                momentum=max(0.9, 1 - 1 / iterations),
                instance_weight_power=2.0,
            ),
        ),
    }


rows = {}
for _images, (_batch_size, _epochs) in _sizes.items():
    for _each in _teachers if _images == 306 else [_typical]:
        for _model, (_text, _noise) in _models(_images, _batch_size).items():
            rows[f'{_images}-{_name(_each)}-{_model}'] = dict(
                title=f'{_images} images, {_title(_each)}; {_text}',
                options={
                    _cache: f'{_folder}teacher/{_name(_each)}',
                    'model.label_noise': _noise,
                    'train_dataloader.dataset.indices': _images,
                    'train_dataloader.batch_size': _batch_size,
                    'train_cfg.max_epochs': _epochs,
                    'train_cfg.val_interval': _epochs,
                    'param_scheduler.CosineAnnealingLR.end': _epochs,
                    'param_scheduler.CosineAnnealingLR.T_max': _epochs - 1,
                },
            )

_lines = {'no label noise model': 'none', 'learnable': 'learned'}
plots = [
    dict(
        kind='differences',
        file='label_noise_gain.svg',
        metric='AP',
        title='Gain of the learnable label noise model',
        x_title='training images',
        x_scale='log',
        y_title='AP with the model less AP without it',
        series={
            'simulated typical teacher': [
                (
                    n,
                    *(
                        f'{n}-{_name(_typical)}-{m}'
                        for m in ('learned', 'none')
                    ),
                )
                for n in _sizes
            ]
        },
        # Results of configs/studies/v_coco_real_words.py (four fifths of 383
        # images) and coco_captions.py (1,665 photos).
        points={
            "texts of eleven VLLMs, V-COCO's boxes": (306, 68.1 - 69.0),
            'captions, real photos': (1665, 24.2 - 26.9),
        },
    ),
    dict(
        kind='lines',
        file='label_noise_images.svg',
        metric='AP',
        title="V-COCO's boxes, typical teacher",
        x_title='training images',
        x_scale='log',
        y_title='AP (%)',
        series={
            title: [(n, f'{n}-{_name(_typical)}-{model}') for n in _sizes]
            for title, model in _lines.items()
        },
    ),
    dict(
        kind='lines',
        file='label_noise_precision.svg',
        metric='AP',
        title="V-COCO's boxes, 306 images, recall 0.55 to 0.60",
        x_title='precision of the pseudo-labels',
        y_title='AP (%)',
        series={
            title: [
                (t[0], f'306-{_name(t)}-{model}')
                for t in (_teachers[0], *_teachers[2:4])
            ]
            for title, model in _lines.items()
        },
    ),
    dict(
        kind='lines',
        file='label_noise_recall.svg',
        metric='AP',
        title="V-COCO's boxes, 306 images, precision 0.75",
        x_title='recall of the pseudo-labels',
        y_title='AP (%)',
        series={
            title: [
                (_teachers[i][1], f'306-{_name(_teachers[i])}-{model}')
                for i in (4, 2, 5)
            ]
            for title, model in _lines.items()
        },
    ),
]

prepare = [
    dict(
        path=f'{_folder}teacher/{_name(_each)}',
        command=f'{_teacher}--precision {_each[0]} --recall {_each[1]} '
        + '--no-confuse ' * (not _each[2])
        + f'--out {_folder}teacher/{_name(_each)}',
    )
    for _each in _teachers
]
