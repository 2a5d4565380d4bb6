from .registry import TEXT_ENCODERS
from .tower import TextTowerEncoder


@TEXT_ENCODERS.register_module()
class CLIPTextEncoder(TextTowerEncoder):
    """Text tower of CLIP with its projection.

    See :class:`TextTowerEncoder`.

    Args:
        path (str): A folder with CLIP's weights and tokenizer, or its id on
            the Hugging Face hub.
        batch_size (int): Texts embedded at once. Defaults to 256.
        device (str): torch device. Defaults to 'cpu'.
    """

    model_classes = {
        'clip': 'CLIPTextModelWithProjection',
        'clip_text_model': 'CLIPTextModelWithProjection',
    }
    output = 'text_embeds'
    pad_to_limit = False
    lower = False
    example = 'openai/clip-vit-base-patch32'

    def __init__(
        self, path: str = example, batch_size: int = 256, device: str = 'cpu'
    ) -> None:
        super().__init__(path, batch_size, device)
