default_scope = 'clhoi_mm'
custom_imports = dict(imports=['clhoi_mm'], allow_failed_imports=False)
# Loads checkpoints without executing code from them.
runner_type = 'clhoi_mm.engine.HOIRunner'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=25),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='HOIVisualizationHook'),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

visualizer = dict(
    type='HOILocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend')],
    name='visualizer',
)

randomness = dict(seed=0)
log_processor = dict(type='LogProcessor', window_size=25, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
