# Short trainings for tools/analysis_tools/regression.py, whose results
# refactorings must not change. All names of options, hooks and classes that
# they depend on are in this file.
_supervision = 'model.teacher_head.supervision'
_noise = 'model.label_noise'


def _self_distillation(epoch: int, context_epochs: int) -> dict:
    """Make hooks with a second round of self-distillation."""
    return {
        'custom_hooks': [
            dict(type='DistillStageHook', context_epochs=context_epochs),
            dict(type='EpochSeedHook'),
            dict(type='SelfDistillHook', epochs=[epoch]),
        ]
    }


def _cases(
    warmup: int, rounds: list[dict], annotated: dict, power: float = 4.0
) -> dict:
    """Make each case's options: supervision, noise model, rounds.

    Args:
        warmup (int): Iterations before a label noise model is used.
        rounds (list[dict]): Options of one and of two rounds.
        annotated (dict): Options of training with annotations.
        power (float): The loss's instance_weight_power.
    """
    model = dict(_delete_=True, warmup=warmup, instance_weight_power=power)
    models = dict(
        none=None,
        counted=dict(type='EMLabelNoise', **model),
        learned=dict(type='LearnableLabelNoise', **model),
    )
    cases = {
        'label-free-copied': {
            'model.teacher_head.broadcast_image_labels': True,
            **rounds[0],
        }
    }
    for number, options in enumerate(rounds, 1):
        for name, model in models.items():
            cases[f'label-free-{name}-{number}'] = {_noise: model, **options}
        # A noise model applies to pseudo-labels only and has no effect here.
        for name in ('image', 'instance'):
            cases[f'{name}-{number}'] = {
                _supervision: name,
                _noise: models['learned'],
                **annotated,
                **options,
            }
    return cases


# Options of all cases. The only evaluation is the test at the end.
options = {
    'randomness.seed': 0,
    'default_hooks.checkpoint.interval': -1,
    'default_hooks.checkpoint.save_last': False,
    'val_dataloader': None,
    'val_cfg': None,
    'val_evaluator': None,
    'log_level': 'ERROR',
}

_annotated_photos = {
    'train_dataloader.sampler': dict(
        _delete_=True, type='DefaultSampler', shuffle=True
    ),
    'train_dataloader.dataset': dict(
        _delete_=True,
        type='VCOCODataset',
        data_root='data/v_coco/',
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        indices=40,
        pipeline=[
            dict(
                type='LoadDetectorFeatures',
                file='data/v_coco/features.safetensors',
            ),
            dict(
                type='CachedTransforms',
                steps=[
                    dict(type='LoadHOIAnnotations'),
                    dict(type='RandomFlip', prob=0.5),
                    dict(type='PackHOIInputs'),
                ],
            ),
        ],
    ),
}

# The schedules are those of the configs; with few images, epochs are so short
# that a whole training takes 54 to 60 iterations. `needs` lists files in the
# folder given by the flag with the ground's name. `prepare` makes the data in
# a new folder, with {python}, {repo} and {given} replaced; without it, data
# are those of the given folder.
grounds = {
    'mini': dict(
        config='../clhoi_r18_mini.py',
        prepare=[
            '{python} {repo}/projects/mini_world/make_mini.py '
            '--num-train 48 --num-val 3 --num-test 48 --workers 1',
            'ln -s {repo}/checkpoints checkpoints',
        ],
        # 20 epochs of 3 iterations.
        options={'train_dataloader.batch_size': 16},
        cases=_cases(9, [{'custom_hooks.SelfDistillHook.epochs': []}, {}], {}),
    ),
    'hico-det': dict(
        config='../hico_geometry/icn_hico_geometry.py',
        needs=['instances_test2015.json'],
        prepare=[
            '{python} {repo}/tools/dataset_converters/hico_det.py '
            '{given}/instances_test2015.json '
            '--out data/hico_geometry/source.json',
            '{python} {repo}/tools/dataset_converters/geometry.py split '
            'data/hico_geometry/source.json --out data/hico_geometry',
            '{python} {repo}/tools/dataset_converters/geometry.py teacher '
            'data/hico_geometry/annotations/train.json --preset typical '
            '--out data/hico_geometry/teacher/typical',
        ],
        # 9 epochs of 6 iterations.
        options={
            'train_dataloader.batch_size': 32,
            'train_dataloader.dataset.indices': 192,
            'test_dataloader.dataset.indices': 200,
        },
        cases=_cases(6, [{}, _self_distillation(5, 0)], {}, 2.0),
    ),
    'photos': dict(
        config='../clhoi_yolox-nano_coco-captions_features.py',
        needs=[
            'checkpoints/yolox_nano_coco.pth',
            'data/coco/photos.txt',
            'data/coco/features.safetensors',
            'data/coco/teacher/manifest.json',
            'data/v_coco/features.safetensors',
            'data/v_coco/annotations/val.json',
            'data/v_coco/annotations/test.json',
        ],
        # 12 epochs of 5 iterations.
        options={
            'train_dataloader.batch_size': 8,
            'train_dataloader.dataset.indices': 40,
            'test_dataloader.dataset.indices': 32,
        },
        cases=_cases(10, [{}, _self_distillation(8, 3)], _annotated_photos),
    ),
}
