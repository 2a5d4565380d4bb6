# Unseen classes of the mini world: their phrases are given at test time.
# Hashed phrase embeddings represent shared words, not meaning.
config = '../clhoi_r18_mini.py'
seeds = [0, 1, 2]
metrics = dict(mAP_unseen='mAP unseen', mAP_seen='mAP seen', mAP='mAP')

# Labels of clhoi_mm/vocabulary/data/mini.json.
_protocols = dict(
    # walk horse, ride bicycle, hold skateboard, feed dog, buy umbrella,
    # hold cup, buy suitcase: verbs and objects of other classes.
    uc=('UC: seven combinations unseen', [4, 7, 13, 15, 27, 30, 34]),
    # All classes of skateboards and umbrellas.
    uo=('UO: five classes of two objects unseen', [11, 12, 13, 26, 27]),
    # All classes of the verbs race and read.
    uv=('UV: four classes of two verbs unseen', [3, 8, 12, 29]),
)

rows, tables = {}, {}
for _name, (_title, _unseen) in _protocols.items():
    _scored = {
        'val_evaluator.unseen': _unseen,
        'test_evaluator.unseen': _unseen,
    }
    _taught = {**_scored, 'model.teacher_head.unseen': _unseen}
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
                **_taught,
                'model.teacher_head.supervision': 'instance',
                'train_dataloader.dataset.zero_shot': _unseen,
            },
        ),
        # Pseudo-labels of unseen classes are removed.
        'not-named': dict(
            title='label-free, the teacher names seen classes only',
            options=_taught,
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
