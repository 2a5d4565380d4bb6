# HICO-DET's boxes at full size: official splits and protocol, annotated boxes
# as detections, no pixels.
config = '../hico_geometry/icn_hico_geometry_full.py'
seeds = [0, 1, 2]
metrics = dict(mAP='full', mAP_rare='rare', mAP_non_rare='non-rare')
reference = dict(row='instance', metric='mAP', title='of instance')

_root = 'data/hico_geometry_full/'
_annotations = f'{_root}annotations/train.json'
_no_noise = {'model.label_noise': None}
_no_attention = {'model.icn.num_layers': 0}
_by_verb = {'model.icn.verbwise_interactiveness': True}


def _told_by(teacher: str) -> dict:
    return {
        'train_dataloader.dataset.teacher.cache': f'{_root}teacher/{teacher}'
    }


def _annotated(supervision: str) -> dict:
    return {
        'model.teacher_head.supervision': supervision,
        'train_dataloader.dataset.teacher': None,
    }


_instance = _annotated('instance')
_three = 'three typical teachers'

rows = {
    'random': dict(title='random scores for all pairs', baseline='random'),
    'prior': dict(
        title="each object's most frequent interactions", baseline='prior'
    ),
    'label-free': dict(title='label-free, typical teacher'),
    'measured': dict(
        title='label-free, teacher with measured errors',
        options=_told_by('measured'),
    ),
    'agree': dict(
        title=f'label-free, two of {_three} agree, independent errors',
        options=_told_by('agree_2'),
    ),
    'agree-shared': dict(
        title=f'label-free, two of {_three} agree, half of the errors shared',
        options=_told_by('agree_shared_2'),
    ),
    'image': dict(title='image-level labels', options=_annotated('image')),
    'instance': dict(title='instance-level labels', options=_instance),
    # Uses of the agreement.
    'agree-any': dict(
        title=f'{_three}, independent errors, all labels',
        options=_told_by('agree_1'),
        seeds=[0],
    ),
    'agree-shared-any': dict(
        title=f'{_three}, half of the errors shared, all labels',
        options=_told_by('agree_shared_1'),
        seeds=[0],
    ),
    'agree-no-noise': dict(
        title=f'two of {_three} agree, independent errors, no label noise '
        'model',
        options={**_told_by('agree_2'), **_no_noise},
        seeds=[0],
    ),
    # Ablations.
    'no-noise': dict(
        title='label-free, no label noise model', options=_no_noise, seeds=[0]
    ),
    'noisy-or': dict(
        title='label-free, bags by noisy-or',
        options={'model.interaction_loss.extra_positive_prior': 1.0},
        seeds=[0],
    ),
    'no-spatial': dict(
        title='label-free without geometry of pairs',
        options={'model.icn.with_geometry': False},
        seeds=[0],
    ),
    'no-attention': dict(
        title='label-free without pair self-attention',
        options=_no_attention,
        seeds=[0],
    ),
    'no-attention-instance': dict(
        title='instance-level labels without pair self-attention',
        options={**_no_attention, **_instance},
        seeds=[0],
    ),
    'by-verb': dict(
        title='label-free, verb-wise interactiveness',
        options=_by_verb,
        seeds=[0],
    ),
    'by-verb-instance': dict(
        title='instance-level labels, verb-wise interactiveness',
        options={**_by_verb, **_instance},
        seeds=[0],
    ),
}
