from typing import TYPE_CHECKING, Any, Dict, List, Optional

from ..requests.messages import (
    CAPTION,
    LIST,
    LOCATE,
    SCORE,
    Request,
    Response,
)
from .base import BatchedBackend
from .registry import BACKENDS
from .yes_no import NO, YES

if TYPE_CHECKING:
    import PIL.Image
    import torch


@BACKENDS.register_module('transformers')
class TransformersBackend(BatchedBackend):
    """VLLM that transformers loads as an image-text-to-text model.

    Answers are greedy; a batch is padded on the left, so that its
    answers are those of single requests.

    Args:
        model (str): A folder, or an id on the Hugging Face hub.
        batch_size (int): Requests answered at once. Defaults to 8.
        device (str): torch device, or 'auto': the GPU where there is one.
            Defaults to 'auto'.
        dtype (str): Name of a torch dtype, or 'auto': as the weights were
            saved. Defaults to 'auto'.
        max_side (int, optional): Longer images are scaled down to this many
            pixels. Defaults to None.
        num_readers (int): Threads that read images. Defaults to 4.

    Raises:
        ImportError: torch or transformers is not installed.
        FileNotFoundError: The weights are neither here nor to be fetched.
        ValueError: The processor has no chat template.
    """

    def __init__(
        self,
        model: str,
        batch_size: int = 8,
        device: str = 'auto',
        dtype: str = 'auto',
        max_side: Optional[int] = None,
        num_readers: int = 4,
    ) -> None:
        super().__init__(batch_size, max_side, num_readers)
        self.model = model
        try:
            import torch
            from transformers import AutoModelForImageTextToText, AutoProcessor
        except ImportError as error:
            raise ImportError(
                'backend "transformers" needs torch and transformers; '
                'install them with pip install '
                "'clhoi_mm[teacher-transformers]'"
            ) from error
        if device == 'auto':
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self.device = device
        if dtype != 'auto':
            dtype = getattr(torch, dtype)
        try:
            self._processor = AutoProcessor.from_pretrained(model)
            self._model = (
                AutoModelForImageTextToText.from_pretrained(
                    model, torch_dtype=dtype
                )
                .to(device)
                .eval()
            )
        except (OSError, ValueError) as error:
            raise FileNotFoundError(
                f'backend "transformers": no model at "{model}". Give a '
                f'folder with config.json, weights, tokenizer and '
                f'preprocessor_config.json, or fetch one where there is a '
                f'network: hf download ORGANISATION/MODEL --local-dir '
                f'FOLDER. Cause: {error}'
            ) from error
        if not getattr(self._processor, 'chat_template', None):
            raise ValueError(
                f'backend "transformers": "{model}" has no chat template; '
                f'put a chat_template.jinja beside its config.json'
            )
        tokenizer = self._processor.tokenizer
        tokenizer.padding_side = 'left'
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._yes = self._first_tokens(YES)
        self._no = self._first_tokens(NO)
        if set(self._yes) & set(self._no):
            # The first token is the same for yes and no.
            self.kinds = (CAPTION, LIST, LOCATE)
        self._texts: Dict[str, str] = {}

    def answer(
        self, requests: List[Request], images: List['PIL.Image.Image']
    ) -> List[Response]:
        """See :meth:`BatchedBackend.answer`."""
        import torch

        inputs = self._processor(
            text=[self._text(request.prompt.text) for request in requests],
            images=[[image] for image in images],
            padding=True,
            return_tensors='pt',
        ).to(self.device)
        inputs = inputs.to(self._model.dtype)  # floating-point parts alone
        scored = requests[0].kind == SCORE
        tokenizer = self._processor.tokenizer
        with torch.inference_mode():
            output = self._model.generate(
                **inputs,
                max_new_tokens=max(q.prompt.max_tokens for q in requests),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=tokenizer.pad_token_id,
                output_logits=scored,
                return_dict_in_generate=True,
            )
        length = inputs['input_ids'].shape[1]
        written = output.sequences[:, length:].cpu()
        texts = tokenizer.batch_decode(written, skip_special_tokens=True)
        scores: List[Optional[float]] = [None] * len(requests)
        if scored:
            scores = self._yes_probabilities(output.logits[0]).tolist()
        ends = self._ends()
        responses = []
        for text, row, mask, score in zip(
            texts, written.tolist(), inputs['attention_mask'].tolist(), scores
        ):
            stop = next((i for i, x in enumerate(row) if x in ends), None)
            responses.append(
                Response(
                    text=text.strip(),
                    finish='length' if stop is None else 'stop',
                    tokens_in=sum(mask),
                    tokens_out=len(row) if stop is None else stop + 1,
                    score=score,
                )
            )
        return responses

    def _text(self, prompt: str) -> str:
        """Put the prompt into the model's chat template."""
        if prompt not in self._texts:
            if len(self._texts) > 10000:
                self._texts.clear()
            content = [dict(type='image'), dict(type='text', text=prompt)]
            self._texts[prompt] = self._processor.apply_chat_template(
                [dict(role='user', content=content)],
                add_generation_prompt=True,
                tokenize=False,
            )
        return self._texts[prompt]

    def _first_tokens(self, texts: Any) -> List[int]:
        tokenizer = self._processor.tokenizer
        return sorted(
            {
                tokenizer.encode(word, add_special_tokens=False)[0]
                for word in texts
            }
        )

    def _ends(self) -> set:
        ends = self._model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return {*ends, self._processor.tokenizer.eos_token_id}

    def _yes_probabilities(self, logits: 'torch.Tensor') -> 'torch.Tensor':
        """Map the first token's logits (n, tokens) to (n,)."""
        both = logits[:, self._yes + self._no].float().softmax(-1)
        return both[:, : len(self._yes)].sum(-1).cpu()
