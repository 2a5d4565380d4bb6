from clhoi_mm.utils.registry import Registry

BACKENDS = Registry(
    'backend',
    {
        name: f'{__package__}.{name}_backend'
        for name in (
            'transformers',
            'openai',
            'vllm',
            'mmpretrain',
            'captions',
            'simulated',
            'replay',
        )
    },
)
build_backend = BACKENDS.build
