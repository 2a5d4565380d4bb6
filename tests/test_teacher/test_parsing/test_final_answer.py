import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.parsing.caption_text import read_caption
from clhoi_mm.teacher.parsing.final_answer import read_final_answer

SAID = 'A woman is feeding two horses.'
THOUGHT = 'A man may be washing a car. Or is he?\n'


@pytest.mark.parametrize(
    'text',
    [
        SAID,
        f'<think>{THOUGHT}</think>\n\n{SAID}',
        f'<think>\n\n</think>\n{SAID}',
        f'{THOUGHT}</think>{SAID}',
        f'<seed:think>{THOUGHT}</seed:think>{SAID}',
        f'&lt;think&gt;{THOUGHT}&lt;/think&gt;{SAID}',
        f'<details><summary>Reasoning</summary>{THOUGHT}</details>{SAID}',
        f'Thinking...\n{THOUGHT}...done thinking.\n\n{SAID}',
        f'> **Thinking...**\n> {THOUGHT}\n{SAID}',
        f'Here is my thought process: a car. Here is my response: {SAID}',
        f'<Thinking effort="high">{THOUGHT}</Thinking> {SAID}',
        f'<think>{THOUGHT}</think>draft<think>{THOUGHT}</think>{SAID}',
        f'<reflection>{THOUGHT}</reflection><answer>{SAID}</answer>',
        f'<think>{THOUGHT}<answer>draft</answer></think>'
        f'<answer>{SAID}</answer>',
        f'<think>{THOUGHT}<answer>{SAID}</answer>',
        f'<answer>draft</answer> No. <answer>{SAID}</answer>',
        f'<answer>{SAID}</answer><reflection>{THOUGHT}</reflection>',
        f'<answer>{SAID}',
        f'<SUMMARY>{THOUGHT}</SUMMARY><CAPTION>A car.</CAPTION><REASONING>'
        f'{THOUGHT}</REASONING><CONCLUSION>{SAID}</CONCLUSION>',
        f'{THOUGHT}<|begin_of_box|>{SAID}<|end_of_box|>',
        f'{THOUGHT}Thus $$\\boxed{{\\text{{{SAID}}}}}$$',
        f'\\boxed{{draft}} No. \\boxed{{{SAID}}}',
        f'\\boxed{{{SAID}',
        'A woman <|begin_of_box|>is feeding two horses<|end_of_box|>.',
        f'<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n'
        f'<|begin_of_solution|>{SAID}<|end_of_solution|>',
        f'<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant'
        f'<|channel|>final<|message|>{SAID}<|return|>',
        f'analysisThe man. {THOUGHT}assistantfinal{SAID}',
        f'[THINK]{THOUGHT}[/THINK]{SAID}',
        f'\u25c1think\u25b7{THOUGHT}\u25c1/think\u25b7{SAID}',
        f'<|START_THINKING|>{THOUGHT}<|END_THINKING|>'
        f'<|START_RESPONSE|>{SAID}<|END_RESPONSE|>',
        f'<unused94>thought\n{THOUGHT}<unused95>{SAID}',
        f'**Reasoning:** {THOUGHT}**Answer:** {SAID}',
        f'{THOUGHT}\n### Final answer\n{SAID}',
        f'Here is my thought process: {THOUGHT}\nHere is my response:\n{SAID}',
        f'{SAID}</s><|im_end|>',
    ],
)
def test_text_after_the_reasoning_is_the_answer(text):
    answer = read_final_answer(text)
    assert ' '.join(answer.text.split()).replace(' .', '.') == SAID
    assert answer.problem is None
    assert read_final_answer(answer.text) == answer


@pytest.mark.parametrize(
    'text',
    [
        f'<think>{THOUGHT}',
        f'<think>{THOUGHT}</think>draft<think>{THOUGHT}',
        f'<think>{THOUGHT} I shall write <answer>',
        f'<|channel|>analysis<|message|>{THOUGHT}<|end|>',
        f'analysisThe man. {THOUGHT}',
        f'Thinking process:\n1. {THOUGHT}',
    ],
)
def test_unfinished_reasoning_is_no_answer(text):
    assert read_final_answer(text)[:2] == ('', 'unfinished_reasoning')


@pytest.mark.parametrize('text', ['', ' \n', '<think>x</think>', '</s>'])
def test_empty_text_is_no_answer(text):
    assert read_final_answer(text)[:2] == ('', 'empty')


@pytest.mark.parametrize(
    'text',
    [
        "I'm sorry, but I can't assist with that request.",
        'I\u2019m really sorry, but I can\u2019t help with identifying '
        'people in photos.',
        'I apologize, but I am unable to describe the people in this image. '
        'Is there anything else I can help you with?',
        'Sorry, I cannot help with that. Let me know if you have questions!',
        'As an AI language model, I cannot view images. Please describe it.',
        "I'm unable to view images directly.",
        "I can't provide a description of this person.",
        'Unfortunately, I do not have the ability to process photographs.',
        'I must decline to describe this image.',
        'I will not be able to analyze this content.',
        '<think>Policy?</think>I cannot comply with this request.',
        "I'm afraid I can't help with that.",
        'Due to privacy concerns, I cannot describe the individuals.',
        'I need to decline this request.',
        'It is not appropriate for me to comment on people.',
        'No image was provided. Please upload the image.',
        "I don't see an image in your message.",
        'Lo siento, no puedo ayudar con eso.',
        'Es tut mir leid, dabei kann ich nicht helfen.',
    ],
)
def test_refusal_is_no_answer(text):
    assert read_final_answer(text)[:2] == ('', 'refused')
    assert read_caption(json.dumps(dict(caption=text))).problem == 'refused'


@pytest.mark.parametrize(
    'text',
    [
        'A man says that he cannot help. He holds a cup.',
        "I can't see any people in the image.",
        'I cannot tell for certain what the people do.',
        'I cannot identify any interactions in this image.',
        'A sorry looking dog cannot open the door.',
        'A sign reads "I cannot help you".',
    ],
)
def test_other_sentences_are_not_refusals(text):
    assert read_final_answer(text)[:2] == (text, None)


def test_sentences_next_to_a_refusal_are_kept():
    text = "I'm sorry, but I can't identify people. " + SAID
    assert read_final_answer(text)[:2] == (SAID, None)
    text = (
        "I can't help with identifying people. However, I can describe the "
        'scene: a woman feeds a horse.'
    )
    assert read_final_answer(text)[:2] == ('a woman feeds a horse.', None)


@pytest.mark.parametrize(
    'text',
    [
        json.dumps(dict(caption=SAID)),
        json.dumps(dict(Description=[SAID], objects=['woman', 'horse'])),
        json.dumps(dict(reasoning=THOUGHT, caption=SAID)),
        json.dumps(dict(image=dict(text=SAID))),
        json.dumps([SAID]),
        json.dumps(dict(scene_overview=SAID, thoughts=THOUGHT)),
        f'```json\n{json.dumps(dict(caption=SAID))}\n```',
        f'Here you are: {json.dumps(dict(caption=SAID))}',
        f'```\n{SAID}\n```',
        f'<think>{THOUGHT}</think>{json.dumps(dict(caption=SAID))}',
        SAID,
    ],
)
def test_captions_in_json(text):
    pytest.importorskip('json_repair', reason="the extra 'teacher'")
    assert read_caption(text)[:2] == (SAID, None)


def test_truncated_caption_in_json():
    pytest.importorskip('json_repair', reason="the extra 'teacher'")
    answer = read_caption('{"caption": "A woman is feeding two hor')
    assert answer[:2] == ('A woman is feeding two hor', None)


@pytest.mark.parametrize('text', ['{}', '[]', '{"caption": " "}'])
def test_empty_caption_in_json(text):
    pytest.importorskip('json_repair', reason="the extra 'teacher'")
    assert read_caption(text)[:2] == ('', 'empty')


def test_json_fields_of_a_person_are_joined():
    text = json.dumps(
        dict(people=[dict(description='a man in red', action='riding a bus')])
    )
    assert read_caption(text)[:2] == ('a man in red riding a bus', None)


def test_json_without_prose_is_not_a_caption():
    text = '[{"verb": "feed", "object": "horse"}]'
    assert read_caption(text)[:2] == ('', None)


MARKS = st.lists(
    st.sampled_from(
        '<think> </think> <answer> </answer> <|channel|>analysis<|message|> '
        '<|channel|>final<|message|> <|begin_of_box|> <|end_of_box|> { } [ ] '
        '" Sorry, cannot help. I A man rides. Answer: ``` \n : </s> '
        '\\boxed{ \\text{'.split(' ')
    ),
    max_size=25,
).map(' '.join)


@given(st.one_of(st.text(), MARKS))
def test_no_text_raises(text):
    pytest.importorskip('json_repair', reason="the extra 'teacher'")
    for read in (read_final_answer, read_caption):
        answer = read(text)
        assert bool(answer.problem) <= (not answer.text)
        assert not {'<think>', '</think>'} & set(answer.text.split())


@pytest.mark.parametrize('mark', ['<think>', '</think>', '<answer>', '{"a'])
def test_time_is_linear_in_length(mark):
    pytest.importorskip('json_repair', reason="the extra 'teacher'")
    read_caption(mark * 20000)


@pytest.mark.parametrize(
    'words', ['and ', 'sorry ', "i'm sorry sorry ", 'as an ai ', 'due to a ']
)
def test_repetitive_answers_are_parsed_fast(words):
    start = time.process_time()
    text = words * (12_000 // len(words))
    assert read_final_answer(text).text == text.strip()
    assert time.process_time() - start < 2


def test_json_in_a_latex_box():
    text = '\\boxed{\\{"verb": "sit\\_on", "object": "bench"\\}}'
    assert read_final_answer(text).text == (
        '{"verb": "sit_on", "object": "bench"}'
    )
