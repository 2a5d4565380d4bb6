from .registry import TEXT_ENCODERS
from .tower import TextTowerEncoder


@TEXT_ENCODERS.register_module()
class SigLIPTextEncoder(TextTowerEncoder):
    """Text tower of SigLIP or SigLIP2.

    It pools the last of 64 positions, which is padding as a rule: texts are
    padded to the limit and nothing is masked, as in its training. See
    :class:`TextTowerEncoder`.

    Args:
        path (str): A folder with SigLIP's weights and tokenizer, or its id
            on the Hugging Face hub.
        batch_size (int): Texts embedded at once. Defaults to 256.
        device (str): torch device. Defaults to 'cpu'.
    """

    model_classes = {
        'siglip': 'SiglipTextModel',
        'siglip_text_model': 'SiglipTextModel',
        'siglip2': 'Siglip2TextModel',
        'siglip2_text_model': 'Siglip2TextModel',
    }
    output = 'pooler_output'
    pad_to_limit = True
    lower = True
    example = 'google/siglip2-base-patch16-224'

    def __init__(
        self, path: str = example, batch_size: int = 256, device: str = 'cpu'
    ) -> None:
        super().__init__(path, batch_size, device)
