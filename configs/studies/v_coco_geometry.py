# V-COCO's boxes without pixels, like configs/studies/hico_geometry.py.
config = '../v_coco_geometry/icn_v_coco_geometry.py'
seeds = [0, 1, 2]
metrics = dict(AP='AP', AP_multi='AP of several pairs')
reference = dict(row='instance', metric='AP', title='of instance')

rows = {
    'random': dict(title='random scores for all pairs', baseline='random'),
    'prior': dict(
        title="each object's most frequent interactions", baseline='prior'
    ),
    'label-free': dict(title='label-free, typical teacher'),
    'no-noise': dict(
        title='label-free, no label noise model',
        options={'model.label_noise': None},
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

prepare = [
    dict(
        path='data/v_coco_geometry/teacher/typical',
        command='python tools/dataset_converters/geometry.py teacher '
        'data/v_coco_geometry/annotations/train.json --vocabulary v_coco '
        '--preset typical --out data/v_coco_geometry/teacher/typical',
    )
]
