# Pseudo-labels of real VLLMs for V-COCO's images, without pixels: label-free
# training against labels of the same images, in five folds scored together.
# There is no prior row: equal scores for all pairs are random in this metric.
# docs/datasets.md describes how to make the data.
config = '../v_coco_geometry/icn_v_coco_real_words.py'
seeds = [0, 1, 2]
metrics = dict(
    AP='AP', AP_low='from', AP_high='to', AP_multi='AP of several pairs'
)
reference = dict(row='instance', metric='AP', title='of instance')
options = {
    'test_evaluator': dict(
        type='PairRankingMetric', vocabulary='v_coco', resamples=1000
    )
}

_folds = 5
_cache = (
    'train_dataloader.dataset.pipeline.CachedTransforms.steps.'
    'LoadTeacherKnowledge.cache'
)
_teachers = {
    'by-1': 'named by any model',
    'by-2': 'named by two models or more',
    'by-3': 'named by three models or more',
    'share': 'named by any model, weighted by agreement',
}
# 306 images in batches of 32 are 10 iterations; prior_weight is one over these
# images and about 8 compatible classes of each.
_learnable = dict(
    _delete_=True,
    type='LearnableLabelNoise',
    warmup=10,
    prior_weight=4e-4,
    instance_weight_power=2.0,
)
_noise = {
    'none': ('no label noise model', None),
    'learned': ('learnable label noise model', _learnable),
    'small-confusion': (
        'learnable label noise model, confusions from 0.005',
        dict(_learnable, confusion=0.005),
    ),
    'counted': (
        'EM label noise model',
        dict(
            _delete_=True,
            type='EMLabelNoise',
            warmup=30,
            momentum=0.9,
            instance_weight_power=2.0,
        ),
    ),
}

rows = {
    'random': dict(
        title='random scores for all pairs', baseline='random', folds=_folds
    ),
}
for _teacher, _title in _teachers.items():
    for _name, (_text, _model) in _noise.items():
        rows[f'{_teacher}-{_name}'] = dict(
            title=f'{_title}; {_text}',
            options={
                _cache: f'data/v_coco_real_words/teacher/{_teacher}',
                'model.label_noise': _model,
            },
            folds=_folds,
        )
# Parts of the learnable model: a lower recall, no confusions between verbs,
# and, without a noise model, its full weight of unlabeled classes.
_parts = {
    'recall': (
        'learnable label noise model, recall 0.5',
        dict(_learnable, recall=0.5),
        {},
    ),
    'low-recall': (
        'learnable label noise model, recall 0.3',
        dict(_learnable, recall=0.3),
        {},
    ),
    'no-confusion': (
        'learnable label noise model without confusions',
        dict(_learnable, confusion=1e-3, lr_mult=1.0, prior_weight=0.0),
        {},
    ),
    'weight': (
        'no label noise model, unlabeled classes at full weight',
        None,
        {'model.interaction_loss.unlabeled_weight': 1.0},
    ),
}
for _name, (_text, _model, _options) in _parts.items():
    rows[f'by-1-{_name}'] = dict(
        title=f'{_teachers["by-1"]}; {_text}',
        options={'model.label_noise': _model, **_options},
        folds=_folds,
        seeds=[0],
    )
for _level in ('image', 'instance'):
    rows[_level] = dict(
        title=f'{_level}-level labels',
        options={'model.teacher_head.supervision': _level},
        folds=_folds,
    )
rows['instance-long'] = dict(
    title='instance-level labels, 40 epochs',
    options={
        **rows['instance']['options'],
        'train_cfg.max_epochs': 40,
        'train_cfg.val_interval': 40,
        'param_scheduler.CosineAnnealingLR.end': 40,
        'param_scheduler.CosineAnnealingLR.T_max': 39,
    },
    folds=_folds,
    seeds=[0],
)
