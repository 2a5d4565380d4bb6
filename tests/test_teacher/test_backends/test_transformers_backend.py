import sys
from pathlib import Path

import numpy as np
import pytest
from backend_utils import ask, write_images
from PIL import Image

from clhoi_mm.teacher.backends import build_backend
from clhoi_mm.teacher.requests.messages import CAPTION, LIST, SCORE, Failure

sys.path.insert(0, str(Path(__file__).parents[1]))
from tiny_vllms import make_llava, make_qwen2_vl

pytest.importorskip('torch')
pytest.importorskip('transformers', '4.57')
MAKERS = dict(llava=make_llava, qwen2_vl=make_qwen2_vl)
PROMPTS = (
    'What is done?',
    'Who does what to which object, and where?',
    'Hm?',
    'Is it a dog that somebody is walking?',
    'So what?',
)


@pytest.fixture(scope='module', params=MAKERS)
def folder(request, tmp_path_factory):
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


def test_batched_equals_single(folder, images):
    batched, single = [
        build_backend(
            dict(type='transformers', model=str(folder), batch_size=size,
                 device='cpu', dtype='float32'))
        for size in (4, 1)
    ]  # fmt: skip
    texts = [
        ask(backend, images, CAPTION, texts=PROMPTS)
        for backend in (batched, single)
    ]
    assert texts[0] == texts[1]
    written = [texts[0][str(i)].text for i in range(5)]
    assert (
        len(set(written)) == 5
    )  # Each answer belongs to its own image and prompt.
    assert all(response.tokens_out <= 12 for response in texts[0].values())
    assert all(
        response.tokens_in > len(PROMPTS[i])
        for i, response in enumerate(texts[0].values())
    )

    scores = [
        ask(backend, images, SCORE, texts=PROMPTS)
        for backend in (batched, single)
    ]
    values = [[row[str(i)].score for i in range(5)] for row in scores]
    np.testing.assert_allclose(*values, atol=1e-5)
    assert len(set(values[0])) == 5 and all(0 < x < 1 for x in values[0])


def test_score_is_the_softmax_of_the_first_token(folder, images):
    """Compare with running the model and its processor by hand."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    backend = build_backend(
        dict(type='transformers', model=str(folder), device='cpu')
    )
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    text = processor.apply_chat_template(
        [dict(role='user', content=[
            dict(type='image'), dict(type='text', text=PROMPTS[0])])],
        add_generation_prompt=True)  # fmt: skip
    assert PROMPTS[0] in text and text.endswith('ASSISTANT:')
    with Image.open(images / '0.png') as image:
        inputs = processor(images=[image], text=[text], return_tensors='pt')
    with torch.no_grad():
        logits = model(**inputs).logits[0, -1]
    tokens = [
        processor.tokenizer.encode(word)[0]
        for word in ('yes', 'Yes', 'no', 'No')
    ]
    expected = logits[tokens].softmax(0)[:2].sum().item()
    score = ask(backend, images, SCORE, [0], PROMPTS)['0'].score
    assert score == pytest.approx(expected, abs=1e-5)


def test_bad_image_does_not_affect_others(folder, images):
    backend = build_backend(
        dict(type='transformers', model=str(folder), device='cpu')
    )
    got = ask(backend, images, LIST, [0, 'broken', 2])
    assert got['broken'].reason == 'unreadable_image'
    assert 'broken.png' in got['broken'].message
    alone = ask(backend, images, LIST, [0])
    assert got['0'] == alone['0'] and got['2'].text

    answer, sizes = backend.answer, []

    def picky(requests, arrays):
        sizes.append(len(requests))
        if any(request.image_id == '1' for request in requests):
            raise MemoryError('too large')
        return answer(requests, arrays)

    backend.answer = picky
    got = ask(backend, images, LIST)
    assert got['1'] == Failure('model_error', 'MemoryError: too large')
    assert (
        sizes[0] == 5
        and sum(isinstance(x, Failure) for x in got.values()) == 1
    )


def test_missing_model_error_names_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match='hf download'):
        build_backend(dict(type='transformers', model=str(tmp_path / 'none')))
