from typing import Optional, Sequence


def check_parts(
    vlt: Optional[dict],
    context_loss: Optional[dict],
    interaction_loss: Optional[dict],
    visual_encoder_for: Sequence[str],
) -> None:
    """Check that the parts of a model fit together.

    Args:
        vlt (dict, optional): Config of the VLT.
        context_loss (dict, optional): Config of the context distillation.
        interaction_loss (dict, optional): Config of the interaction
            distillation.
        visual_encoder_for (Sequence[str]): Parts that read the visual
            encoder's maps.

    Raises:
        ValueError: If nothing would be trained, a loss has no part to train,
            or ``visual_encoder_for`` names something else than parts.
    """
    if vlt is None and (context_loss or not interaction_loss):
        raise ValueError(
            'without a vlt there is no context to distil and no image '
            'embedding to score pairs with; give vlt, or interaction_loss '
            'alone'
        )
    if not (context_loss or interaction_loss):
        raise ValueError(
            'nothing would be trained; give context_loss, '
            'interaction_loss or both'
        )
    if set(visual_encoder_for) - {'vlt', 'icn'} or not visual_encoder_for:
        raise ValueError(
            f'visual_encoder_for={visual_encoder_for!r}; '
            "name 'vlt', 'icn' or both"
        )
