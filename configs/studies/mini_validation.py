# What was tried on the mini world's validation split.
config = '../clhoi_r18_mini.py'
seeds = [0, 1]
split = 'val'
figures = dict(mAP='mAP', mAP_rare='mAP_rare')

_tokens = {'model.vlt.max_tokens': 1024}
_layers = {'model.vlt.num_layers': 2}
rows = {
    'label-free': dict(title='as it is'),
    'finer': dict(title='the VLT reads finer maps', options=_tokens),
    'layers': dict(title='the VLT has two layers', options=_layers),
    'finer-layers': dict(title='both', options={**_tokens, **_layers}),
    'finer-layers-rate': dict(
        title='both, twice the learning rate of batches of 16',
        options={
            **_tokens,
            **_layers, 'optim_wrapper.optimizer.lr': 2e-3
        }),
    'no-pair-attention': dict(
        title='pairs do not look at each other',
        options={'model.icn.with_pair_attention': False}),
    # As it is, bags' classes are guessed and words counted.
    'learned-noise': dict(
        title="rates of the teacher's noise learned by gradient",
        options={
            'model.interaction_loss.noise':
            dict(type='LearnedTeacherNoise', warmup=114)
        })
}
