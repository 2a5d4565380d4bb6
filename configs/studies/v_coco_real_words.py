# Real VLLMs' texts about V-COCO's images, without pixels: label-free training
# against labels of the same images, in five folds that are scored together.
# A prior scores all pairs of a class alike, which is random in this metric.
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
# An epoch has 10 iterations.
_noise = {
    'none': ('no label noise model', {'model.label_noise': None}),
    'learned': ('learnable label noise model', {}),
    'counted': (
        'EM label noise model',
        {
            'model.label_noise': dict(
                _delete_=True,
                type='EMLabelNoise',
                warmup=30,
                momentum=0.9,
                instance_weight_power=2.0,
            )
        },
    ),
}

rows = {
    'random': dict(
        title='random scores for all pairs', baseline='random', folds=_folds
    ),
}
for _teacher, _title in _teachers.items():
    for _name, (_model, _options) in _noise.items():
        rows[f'{_teacher}-{_name}'] = dict(
            title=f'{_title}; {_model}',
            options={
                _cache: f'data/v_coco_real_words/teacher/{_teacher}',
                **_options,
            },
            folds=_folds,
        )
# Parts of the learnable model: a lower recall, no confusions between verbs,
# and, without a noise model, the full weight that it gives unlabeled classes.
_parts = {
    'recall': (
        'learnable label noise model, recall 0.5',
        {'model.label_noise.recall': 0.5},
    ),
    'low-recall': (
        'learnable label noise model, recall 0.3',
        {'model.label_noise.recall': 0.3},
    ),
    'no-confusion': (
        'learnable label noise model without confusions',
        {
            'model.label_noise.confusion': 1e-3,
            'model.label_noise.lr_mult': 1.0,
            'model.label_noise.prior_weight': 0.0,
        },
    ),
    'weight': (
        'no label noise model, unlabeled classes at full weight',
        {
            'model.label_noise': None,
            'model.interaction_loss.unlabeled_weight': 1.0,
        },
    ),
}
for _name, (_model, _options) in _parts.items():
    rows[f'by-1-{_name}'] = dict(
        title=f'{_teachers["by-1"]}; {_model}',
        options=_options,
        folds=_folds,
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
