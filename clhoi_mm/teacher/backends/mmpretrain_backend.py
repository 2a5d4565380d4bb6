from typing import TYPE_CHECKING, List, Optional

import numpy as np

from ..requests.messages import CAPTION, LIST, Request, Response
from .base import BatchedBackend
from .registry import BACKENDS

if TYPE_CHECKING:
    import PIL.Image


@BACKENDS.register_module('mmpretrain')
class MMPretrainBackend(BatchedBackend):
    """Caption and question-answering models of mmpretrain's model zoo.

    A captioning model takes no prompt: it serves the stage 'describe' alone.
    A question-answering model serves 'describe' and 'list', as far as its
    answers go; neither gives the probability of yes.

    Args:
        model (str): A name of mmpretrain's model zoo, or a config file.
        checkpoint (str, optional): Path of the weights. Defaults to None,
            mmpretrain's own link, whose host may be gone.
        task (str): 'caption' or 'vqa'. Defaults to 'caption'.
        batch_size (int): Requests answered at once. Defaults to 8.
        device (str, optional): torch device. Defaults to None, the GPU
            where there is one.
        max_side (int, optional): Longer images are scaled down to this many
            pixels. Defaults to None.
        num_readers (int): Threads that read images. Defaults to 4.

    Raises:
        ImportError: mmpretrain is not there or does not import with the
            installed transformers.
        ValueError: The task is unknown.
    """

    def __init__(
        self,
        model: str,
        checkpoint: Optional[str] = None,
        task: str = 'caption',
        batch_size: int = 8,
        device: Optional[str] = None,
        max_side: Optional[int] = None,
        num_readers: int = 4,
    ) -> None:
        super().__init__(batch_size, max_side, num_readers)
        if task not in ('caption', 'vqa'):
            raise ValueError(
                f'backend "mmpretrain": task {task!r}; there '
                f'are caption and vqa'
            )
        try:
            from mmpretrain import (
                ImageCaptionInferencer,
                VisualQuestionAnsweringInferencer,
            )
        except Exception as error:
            # With other versions of transformers, errors are of any type.
            raise ImportError(
                'backend "mmpretrain" needs mmpretrain with a transformers '
                'that it imports with: onedl-mmpretrain 1.3 with '
                'transformers 4.53-4.57, or mmpretrain 1.2 with '
                f'transformers before 4.47. Cause: {error!r}'
            ) from error
        self.model = model
        self.task = task
        self.kinds = (CAPTION,) if task == 'caption' else (CAPTION, LIST)
        kind = (
            ImageCaptionInferencer
            if task == 'caption'
            else VisualQuestionAnsweringInferencer
        )
        try:
            self._inferencer = kind(
                model,
                pretrained=checkpoint if checkpoint is not None else True,
                device=device,
            )
        except OSError as error:
            raise FileNotFoundError(
                f'backend "mmpretrain": no weights for "{model}" '
                f'({error}); give a file as checkpoint'
            ) from error

    def answer(
        self, requests: List[Request], images: List['PIL.Image.Image']
    ) -> List[Response]:
        """See :meth:`BatchedBackend.answer`."""
        # mmpretrain reads BGR.
        arrays = [np.asarray(image)[..., ::-1].copy() for image in images]
        if self.task == 'caption':
            rows = self._inferencer(arrays, batch_size=len(arrays))
            return [Response(row['pred_caption']) for row in rows]
        rows = self._inferencer(
            arrays,
            [request.prompt.text for request in requests],
            batch_size=len(arrays),
        )
        return [Response(row['pred_answer']) for row in rows]
