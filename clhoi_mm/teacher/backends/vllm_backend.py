from typing import TYPE_CHECKING, Any, Dict, List, Optional

from ..requests.images import encode_image
from ..requests.messages import SCORE, Request, Response
from .base import BatchedBackend
from .registry import BACKENDS
from .yes_no import NO, YES, yes_probability

if TYPE_CHECKING:
    import PIL.Image


@BACKENDS.register_module('vllm')
class VLLMBackend(BatchedBackend):
    """Offline engine of vLLM, in an environment of its own.

    The engine schedules requests itself, so that a batch should be much
    larger than what fits the GPU at once. Answers are greedy.

    Args:
        model (str): A folder, or an id on the Hugging Face hub.
        batch_size (int): Requests handed over at once. Defaults to 256.
        engine (dict, optional): Further arguments of ``vllm.LLM``, for
            example ``{"tensor_parallel_size": 2}``. Defaults to None.
        max_side (int, optional): Longer images are scaled down to this many
            pixels. Defaults to 1024.
        num_readers (int): Threads that read images. Defaults to 8.

    Raises:
        ImportError: vllm is not installed.
    """

    def __init__(
        self,
        model: str,
        batch_size: int = 256,
        engine: Optional[Dict[str, Any]] = None,
        max_side: Optional[int] = 1024,
        num_readers: int = 8,
    ) -> None:
        super().__init__(batch_size, max_side, num_readers)
        self.model = model
        try:
            from vllm import LLM, SamplingParams
            from vllm.sampling_params import StructuredOutputsParams
        except ImportError as error:
            raise ImportError(
                'backend "vllm" needs vllm 0.12 or later, in an environment '
                'without mmcv: pip install vllm, then clhoi_mm with its '
                f'extra "teacher". Cause: {error}'
            ) from error
        self._params = SamplingParams
        self._structured = StructuredOutputsParams
        engine = dict(limit_mm_per_prompt=dict(image=1), **(engine or {}))
        self._llm = LLM(model=model, **engine)
        tokenizer = self._llm.get_tokenizer()
        self._words = {
            tokenizer.encode(word, add_special_tokens=False)[0]: word
            for word in YES + NO
        }

    def answer(
        self, requests: List[Request], images: List['PIL.Image.Image']
    ) -> List[Response]:
        """See :meth:`BatchedBackend.answer`."""
        outputs = self._llm.chat(
            [
                [
                    dict(
                        role='user',
                        content=[
                            dict(
                                type='image_url',
                                image_url=dict(url=encode_image(image)),
                            ),
                            dict(type='text', text=request.prompt.text),
                        ],
                    )
                ]
                for request, image in zip(requests, images)
            ],
            sampling_params=[self._sampling(x) for x in requests],
            use_tqdm=False,
        )
        return [
            self._reply(request, output)
            for request, output in zip(requests, outputs)
        ]

    def _sampling(self, request: Request) -> Any:
        prompt = request.prompt
        args: Dict[str, Any] = dict(
            temperature=0.0, max_tokens=prompt.max_tokens
        )
        if prompt.kind == SCORE:
            args['logprob_token_ids'] = sorted(self._words)
        elif prompt.schema is not None:
            args['structured_outputs'] = self._structured(json=prompt.schema)
        return self._params(**args)

    def _reply(self, request: Request, output: Any) -> Response:
        best = output.outputs[0]
        score = None
        if request.kind == SCORE:
            if not best.logprobs:
                raise ValueError(
                    'the engine gives no log-probabilities, which the stage '
                    '"score" needs; leave the stage out'
                )
            # The token that was sampled is among them, whatever it is.
            score = yes_probability(
                {
                    self._words[token]: found.logprob
                    for token, found in best.logprobs[0].items()
                    if token in self._words
                }
            )
            if score is None:
                raise ValueError('no log-probability of yes or no came back')
        return Response(
            text=best.text.strip(),
            finish='length' if best.finish_reason == 'length' else 'stop',
            tokens_in=len(output.prompt_token_ids),
            tokens_out=len(best.token_ids),
            score=score,
        )
