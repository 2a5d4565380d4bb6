# Pseudo-labels and labels with more images: the mini world with up to four
# times as many. The first 1,200 are those of data/mini.
config = '../clhoi_r18_mini.py'
seeds = [0]
metrics = dict(mAP='mAP', mAP_rare='mAP_rare', mAP_non_rare='mAP_non_rare')
# Reference: labels of the 1,200 images of data/mini.
reference = dict(
    row='instance-1200', metric='mAP', title='of 1,200 labeled images'
)
_dataset = 'train_dataloader.dataset.'
_cache = 'data/mini_large/teacher/train_typical'
options = {
    f'{_dataset}data_root': 'data/mini_large/',
    f'{_dataset}pipeline.LoadTeacherKnowledge.cache': _cache,
}

_images = [300, 600, 1200, 4800]
_series = dict(
    free=('label-free, typical teacher', 'vllm'),
    instance=('instance-level labels', 'instance'),
)

rows = {
    f'{_row}-{_number}': dict(
        title=f'{_title}, {_number} images',
        options={
            'model.teacher_head.supervision': _supervision,
            'train_dataloader.dataset.indices': _number,
            # Three epochs of batches of 32.
            'model.label_noise.warmup': 3 * -(-_number // 32),
        },
    )
    for _row, (_title, _supervision) in _series.items()
    for _number in _images
}

plots = [
    dict(
        kind='lines',
        file='mini_growth.svg',
        metric='mAP',
        title='Mini world, test split',
        x_title='training images',
        x_scale='log',
        y_title='mAP (%)',
        series={
            _title: [(_number, f'{_row}-{_number}') for _number in _images]
            for _row, (_title, _) in _series.items()
        },
    )
]

prepare = [
    dict(
        path='data/mini_large/annotations/train.json',
        command='python projects/mini_world/make_mini.py '
        '--out data/mini_large --num-train 4800 --num-val 2 --num-test 2',
    )
]
