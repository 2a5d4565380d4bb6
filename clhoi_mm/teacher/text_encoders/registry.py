from clhoi_mm.utils.registry import Registry

TEXT_ENCODERS = Registry(
    'text_encoder',
    {
        'HashedTextEncoder': f'{__package__}.hashed',
        'CLIPTextEncoder': f'{__package__}.clip',
        'SigLIPTextEncoder': f'{__package__}.siglip',
        'SentenceTextEncoder': f'{__package__}.sentence',
    },
)
