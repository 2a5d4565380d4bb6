"""vLLM backend with a stand-in for the offline engine."""

import base64
import io
import math
import sys
import types
from dataclasses import dataclass
from typing import Any, List, Optional

import pytest
from backend_utils import SCHEMA, ask, write_images
from PIL import Image

from clhoi_mm.teacher.backends import build_backend
from clhoi_mm.teacher.requests.messages import CAPTION, LIST, SCORE

TOKENS = dict(yes=5, Yes=6, no=7, No=8, Maybe=9)


@dataclass
class StructuredOutputsParams:
    json: Any = None


@dataclass
class SamplingParams:
    temperature: float = 1.0
    max_tokens: Optional[int] = 16
    logprobs: Optional[int] = None
    logprob_token_ids: Optional[List[int]] = None
    structured_outputs: Optional[StructuredOutputsParams] = None


@dataclass
class Logprob:
    logprob: float


class Tokenizer:
    def encode(self, text, add_special_tokens=True):
        assert not add_special_tokens
        return [TOKENS[text]]


class LLM:
    made: List[dict] = []

    def __init__(self, model, **options):
        self.made.append(dict(model=model, **options))
        self.calls: List[tuple] = []

    def get_tokenizer(self):
        return Tokenizer()

    def chat(self, messages, sampling_params, use_tqdm=True):
        assert len(messages) == len(sampling_params) and not use_tqdm
        self.calls.append((messages, sampling_params))
        return [self._output(*pair) for pair in zip(messages, sampling_params)]

    def _output(self, conversation, params):
        (message,) = conversation
        image, text = message['content']
        data = base64.b64decode(image['image_url']['url'].partition(',')[2])
        with Image.open(io.BytesIO(data)) as image:
            words = f' {text["text"]} {image.width}x{image.height} '
        # The engine's requests and sampled tokens.
        logprobs = None
        if params.logprob_token_ids:
            found = {5: 0.3, 6: 0.1, 7: 0.05, 8: 0.05, 9: 0.5}
            wanted = {*params.logprob_token_ids, 9}
            logprobs = [
                {
                    token: Logprob(math.log(p))
                    for token, p in found.items()
                    if token in wanted
                }
            ]
        completion = types.SimpleNamespace(
            text=words,
            token_ids=[1] * min(4, params.max_tokens),
            finish_reason='length' if params.max_tokens < 4 else 'stop',
            logprobs=logprobs,
        )
        return types.SimpleNamespace(
            outputs=[completion], prompt_token_ids=[0] * 11
        )


@pytest.fixture
def vllm(monkeypatch):
    params = types.ModuleType('vllm.sampling_params')
    params.StructuredOutputsParams = StructuredOutputsParams
    module = types.ModuleType('vllm')
    module.LLM, module.SamplingParams = LLM, SamplingParams
    module.sampling_params = params
    monkeypatch.setitem(sys.modules, 'vllm', module)
    monkeypatch.setitem(sys.modules, 'vllm.sampling_params', params)
    LLM.made.clear()


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


def test_batched_conversations(vllm, images):
    backend = build_backend(
        dict(type='vllm', model='m', batch_size=4,
             engine=dict(tensor_parallel_size=2)))  # fmt: skip
    assert LLM.made == [
        dict(model='m', tensor_parallel_size=2,
             limit_mm_per_prompt=dict(image=1))
    ]  # fmt: skip
    got = ask(backend, images, LIST, schema=SCHEMA)
    assert got['0'].text == 'Question 0? 56x28'
    assert got['4'].text == 'Question 4? 30x90'
    assert (got['0'].tokens_in, got['0'].tokens_out, got['0'].finish) == (
        11,
        4,
        'stop',
    )
    calls = backend._llm.calls
    assert [len(messages) for messages, _ in calls] == [4, 1]
    assert calls[0][1][0] == SamplingParams(
        temperature=0.0,
        max_tokens=12,
        structured_outputs=StructuredOutputsParams(json=SCHEMA),
    )
    ask(backend, images, CAPTION, [0])
    assert calls[-1][1][0].structured_outputs is None


def test_score_from_token_log_probabilities(vllm, images):
    backend = build_backend(dict(type='vllm', model='m'))
    response = ask(backend, images, SCORE, [0])['0']
    assert response.score == pytest.approx(0.8)
    params = backend._llm.calls[0][1][0]
    assert params.logprob_token_ids == [5, 6, 7, 8]
    assert params.logprobs is None and params.max_tokens == 1


def test_engine_without_log_probabilities(vllm, images, monkeypatch):
    output = LLM._output

    def without(self, *args):
        answer = output(self, *args)
        answer.outputs[0].logprobs = None
        return answer

    monkeypatch.setattr(LLM, '_output', without)
    backend = build_backend(dict(type='vllm', model='m'))
    failure = ask(backend, images, SCORE, [0])['0']
    assert 'the engine gives no log-probabilities' in failure.message


def test_missing_vllm_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, 'vllm', None)
    with pytest.raises(ImportError, match='pip install vllm'):
        build_backend(dict(type='vllm', model='m'))
