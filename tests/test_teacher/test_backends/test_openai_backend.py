import base64
import io
import json
import math
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from backend_utils import SCHEMA, ask, write_images
from PIL import Image

from clhoi_mm.teacher.backends import build_backend
from clhoi_mm.teacher.requests.messages import CAPTION, LIST, SCORE

pytest.importorskip('requests')


def completion(text, finish='stop', top=None):
    choice = dict(message=dict(content=text), finish_reason=finish)
    if top is not None:
        choice['logprobs'] = dict(
            content=[
                dict(
                    top_logprobs=[
                        dict(token=token, logprob=math.log(p))
                        for token, p in top.items()
                    ]
                )
            ]
        )
    return dict(
        choices=[choice], usage=dict(prompt_tokens=7, completion_tokens=3)
    )


class Server(ThreadingHTTPServer):
    """Server with a scripted response for each request."""

    daemon_threads = True

    def __init__(self, script):
        super().__init__(('127.0.0.1', 0), Handler)
        self.script = script
        self.bodies, self.tries = [], Counter()
        self.times, self.flying, self.most_flying = [], 0, 0
        self.lock = threading.Lock()
        self.url = f'http://127.0.0.1:{self.server_port}/v1'
        threading.Thread(
            target=self.serve_forever, args=[0.01], daemon=True
        ).start()

    def handle_error(self, request, client_address):
        """Ignore clients that disconnect."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        """Do not log."""

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        text = body['messages'][0]['content'][1]['text']
        with server.lock:
            server.bodies.append((self.path, dict(self.headers), body))
            server.times.append(time.monotonic())
            server.flying += 1
            server.most_flying = max(server.most_flying, server.flying)
            attempt = server.tries[text]
            server.tries[text] += 1
        try:
            server.script(self, text, attempt)
        finally:
            with server.lock:
                server.flying -= 1

    def send(self, content, status=200, cut=0, **headers):
        data = (
            content
            if isinstance(content, bytes)
            else json.dumps(content).encode()
        )
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        self.wfile.write(data[: len(data) - cut])


@pytest.fixture
def serve():
    servers = []

    def start(script):
        servers.append(Server(script))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


def client(server, **options):
    options = {**dict(timeout=1.0, backoff=0.01, concurrency=4), **options}
    return build_backend(
        dict(type='openai', model='m', base_url=server.url, **options)
    )


def test_request_content(serve, images, monkeypatch):
    monkeypatch.setenv('OPENAI_API_KEY', 'secret')
    server = serve(lambda h, text, n: h.send(completion('[]')))
    backend = client(server, max_side=32)
    response = ask(backend, images, LIST, [1], schema=SCHEMA)['1']
    assert (
        response.text,
        response.finish,
        response.tokens_in,
        response.tokens_out,
    ) == (
        '[]',
        'stop',
        7,
        3,
    )
    path, headers, body = server.bodies[0]
    assert path == '/v1/chat/completions'
    assert headers['Authorization'] == 'Bearer secret'
    assert (body['model'], body['max_tokens'], body['temperature']) == (
        'm',
        12,
        0,
    )
    form = body['response_format']
    assert form['type'] == 'json_schema'
    assert form['json_schema']['schema'] == SCHEMA
    assert 'logprobs' not in body
    url = body['messages'][0]['content'][0]['image_url']['url']
    data = base64.b64decode(url.partition('base64,')[2])
    with Image.open(io.BytesIO(data)) as image:  # 28 x 84, scaled down.
        assert image.format == 'JPEG' and image.size == (11, 32)
    ask(client(server, structured=False), images, LIST, [1], schema=SCHEMA)
    assert 'response_format' not in server.bodies[1][2]


def test_score_is_the_softmax_over_yes_and_no(serve, images):
    tops = {
        'Question 0?': {'Yes': 0.3, ' yes': 0.1, 'no': 0.1, 'Maybe': 0.4},
        'Question 1?': {'No': 0.9},
        'Question 2?': {'Maybe': 0.9},
    }  # fmt: skip
    server = serve(
        lambda h, text, n: h.send(completion('Yes', 'length', tops[text]))
    )
    got = ask(client(server), images, SCORE, range(3))
    assert got['0'].score == pytest.approx(0.8)
    assert got['1'].score == 0
    assert got['2'].reason == 'no_yes_or_no' and got['2'].about_image
    body = server.bodies[0][2]
    assert (body['max_tokens'], body['logprobs'], body['top_logprobs']) == (
        1,
        True,
        20,
    )


def fail_each_request_twice(handler, text, attempt):
    """Fail each request twice, each time in another way."""
    number = int(text.split()[1][:-1])
    good = completion(f'answer {number}')
    if attempt >= 2:
        handler.send(good)
    elif number == 0:
        handler.send(b'overloaded', 500)
    elif number == 1:
        handler.send(b'slow down', 429, Retry_After='0.05')
    elif number == 2:
        time.sleep(2)
    elif number == 3:
        handler.send(b'{"choices": [{"mess')
    elif number == 4:
        handler.send(good, cut=9)  # Fewer bytes than announced.
        handler.close_connection = True
    elif number == 5:
        handler.connection.close()
    else:
        handler.send([dict(error='in a good mood')][: number - 6])


def test_temporary_errors_are_retried(serve, tmp_path):
    images = write_images(tmp_path, 8)
    server = serve(fail_each_request_twice)
    got = ask(client(server, concurrency=8), images, CAPTION, range(8))
    assert {k: v.text for k, v in got.items()} == {
        str(i): f'answer {i}' for i in range(8)
    }
    assert set(server.tries.values()) == {3}


def test_first_failure_is_printed_immediately(serve, images, capsys):
    server = serve(lambda handler, *_: handler.send(b'<html>'))
    ask(client(server, retries=1), images, CAPTION, range(3))
    said = capsys.readouterr().err
    assert said.count('bad_response') == 1 and '<html>' in said
    assert server.url in said and 'tried 1 times more' in said


def test_api_key_is_never_printed(serve, images, monkeypatch):
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-secret')
    server = serve(lambda h, *_: h.send(b'wrong: sk-secret', 401))
    got = ask(client(server), images, CAPTION, [0])
    assert got['0'].message == 'wrong: ***'


def test_permanent_errors_are_reported(serve, images):

    def script(handler, text, attempt):
        number = int(text.split()[1][:-1])
        if number == 0:
            handler.send(b'broken', 503)
        elif number == 1:
            handler.send(b'no such model', 404)
        elif number == 2:
            time.sleep(2)
        elif number == 3:
            handler.send(b'<html>')
        else:
            handler.send(dict(choices=[dict(message=dict(content=None))]))

    server = serve(script)
    got = ask(
        client(server, retries=1), images, CAPTION, [*range(5), 'broken']
    )
    assert {k: v.reason for k, v in got.items()} == {
        '0': 'http_503',
        '1': 'http_404',
        '2': 'timeout',
        '3': 'bad_response',
        '4': 'empty',
        'broken': 'unreadable_image',
    }
    assert got['1'].message == 'no such model'
    # Only temporary errors are retried.
    assert server.tries == {
        'Question 0?': 2,
        'Question 1?': 1,
        'Question 2?': 2,
        'Question 3?': 2,
        'Question 4?': 1,
    }
    gone = client(server, retries=0)
    gone.url = 'http://127.0.0.1:9/v1/chat/completions'
    assert ask(gone, images, CAPTION, [0])['0'].reason == 'connection'


def error(message, **fields):
    return dict(error=dict(message=message, **fields))


# (dialect, status, refused parameters, parameters sent instead, error)
REFUSALS = [
    ('OpenAI', 400, ['max_tokens'], {'max_completion_tokens': 12}, error(
        "Unsupported parameter: 'max_tokens' is not supported with this "
        "model. Use 'max_completion_tokens' instead.", param='max_tokens',
        type='invalid_request_error', code='unsupported_parameter')),
    ('OpenAI', 400, ['temperature'], {'max_tokens': 12}, error(
        "Unsupported value: 'temperature' does not support 0 with this "
        'model. Only the default (1) value is supported.',
        param='temperature', code='unsupported_value')),
    ('OpenAI', 400, ['response_format'], {'temperature': 0}, error(
        "Invalid parameter: 'response_format' of type 'json_schema' is not "
        'supported with this model.', param=None)),
    ('OpenAI', 400, ['response_format'], {'temperature': 0}, error(
        "Invalid schema for response_format 'interactions': 'anyOf' is not "
        'permitted.', param='response_format')),
    ('Azure', 400, ['seed'], {'max_tokens': 12}, error(
        'Unrecognized request argument supplied: seed', param=None)),
    ('Azure', 400, ['response_format'], {}, error(
        'response_format value as json_schema is enabled only for api '
        'versions 2024-08-01-preview and later')),
    ('vLLM', 400, ['top_k'], {}, dict(
        object='error', code=400, message="[{'type': 'extra_forbidden', "
        "'loc': ('body', 'top_k'), 'msg': 'Extra inputs are not "
        "permitted'}]")),
    ('FastAPI', 422, ['seed'], {}, dict(detail=[dict(
        type='extra_forbidden', loc=['body', 'seed'], input=1,
        msg='Extra inputs are not permitted')])),
    ('Mistral', 422, ['max_tokens'], {'max_completion_tokens': 12}, dict(
        object='error', message=dict(detail=[dict(
            loc=['body', 'max_tokens'], msg='Extra inputs')]))),
    ('LiteLLM', 400, ['temperature'], {}, error(
        "litellm.UnsupportedParamsError: azure does not support parameters: "
        "{'temperature': 0}, for model=m. To drop these, set "
        '`litellm.drop_params=True`', param=None)),
    ('LiteLLM', 500, ['response_format'], {}, error(
        'litellm.UnsupportedParamsError: bedrock does not support '
        "parameters: ['response_format']")),
    ('Anthropic', 400, ['temperature'], {}, dict(type='error', error=dict(
        type='invalid_request_error',
        message='`temperature` is deprecated for this model.'))),
    ('Anthropic', 400, ['seed'], {}, dict(type='error', error=dict(
        type='invalid_request_error',
        message='seed: Extra inputs are not permitted'))),
    ('Gemini', 400, ['seed'], {}, [error(
        'Invalid JSON payload received. Unknown name "seed": Cannot find '
        'field.', status='INVALID_ARGUMENT')]),
    ('llama.cpp', 400, ['top_k'], {}, error(
        'Unsupported param: top_k', code=400)),
    ('DeepSeek', 400, ['response_format'], {}, error(
        'This response_format type is unavailable now')),
    ('TGI', 422, ['temperature'], {}, dict(
        error='Input validation error: `temperature` must be strictly '
        'positive', error_type='validation')),
    ('plain text', 400, ['temperature', 'seed'], {'max_tokens': 12},
     'unknown parameter {name}'),
    ('two limits', 400, ['max_tokens', 'max_completion_tokens'],
     {'temperature': 0}, 'unsupported parameter: {name}'),
]  # yapf: disable


@pytest.mark.parametrize(
    'status, refused, sent, answer',
    [x[1:] for x in REFUSALS],
    ids=[x[0] for x in REFUSALS],
)
def test_refused_parameters_are_replaced_once(
    serve, images, capfd, status, refused, sent, answer
):

    def script(handler, text, attempt):
        body = handler.server.bodies[-1][2]
        name = next((x for x in refused if x in body), None)
        if name is None:
            handler.send(completion('[]'))
        elif isinstance(answer, str):
            handler.send(answer.format(name=name).encode(), status)
        else:
            handler.send(answer, status)

    server = serve(script)
    backend = client(
        server, concurrency=1, seed=1, parameters=dict(top_k=1), retries=0
    )
    got = ask(backend, images, LIST, schema=SCHEMA)
    assert {x.text for x in got.values()} == {'[]'}
    assert len(server.bodies) == 5 + len(refused)
    last = server.bodies[-1][2]
    assert not set(refused) & set(last)
    assert {name: last.get(name) for name in sent} == sent
    assert len(backend.notes) == len(refused)
    log = capfd.readouterr().err
    for name in refused:
        assert log.count(f'the endpoint refuses "{name}"') == 1


def test_refused_by_many_threads_at_once(serve, images):

    def script(handler, text, attempt):
        body = handler.server.bodies[-1][2]
        time.sleep(0.05)
        bad = 'max_tokens' in body or 'temperature' in body
        handler.send(
            error("Unsupported: 'max_tokens', 'temperature'")
            if bad
            else completion('a'),
            400 if bad else 200,
        )

    backend = client(serve(script), concurrency=5, timeout=10)
    got = ask(backend, images, CAPTION)
    assert {getattr(x, 'text', x) for x in got.values()} == {'a'}
    assert 2 <= len(backend.notes) <= 3


@pytest.mark.parametrize(
    'name, bound, message, sent',
    [
        ('top_logprobs', 5, 'top_logprobs must be at most 5', 5),
        ('top_logprobs', 5, 'top_logprobs: max allowed: 5', 5),
        (
            'max_tokens',
            16,
            "Invalid 'max_tokens': integer below minimum value. Expected a "
            'value >= 16, but got 1 instead.',
            16,
        ),
    ],
)
def test_parameter_values_are_clipped(
    serve, images, name, bound, message, sent
):

    def script(handler, text, attempt):
        value = handler.server.bodies[-1][2][name]
        if (value > bound) if name == 'top_logprobs' else (value < bound):
            handler.send(error(message, param=name), 400)
        else:
            handler.send(completion('Yes', 'length', {'Yes': 0.5, 'No': 0.5}))

    server = serve(script)
    got = ask(client(server, concurrency=1), images, SCORE)
    assert {x.score for x in got.values()} == {0.5}
    assert server.bodies[-1][2][name] == sent and len(server.bodies) == 6


@pytest.mark.parametrize(
    'given, path',
    [
        ('', '/v1/chat/completions'),
        ('/', '/v1/chat/completions'),
        ('/chat/completions', '/v1/chat/completions'),
        ('?api-version=1', '/v1/chat/completions?api-version=1'),
    ],
)
def test_base_url_forms(serve, images, given, path):
    server = serve(lambda h, text, n: h.send(completion('a')))
    server.url += given
    ask(client(server), images, CAPTION, [0])
    assert server.bodies[0][0] == path


def test_parameters_are_set_renamed_and_omitted(serve, images):
    server = serve(lambda h, text, n: h.send(completion('a')))
    ask(
        client(
            server,
            parameters=dict(temperature=None, top_p=0.5),
            rename=dict(max_tokens='max_completion_tokens'),
        ),
        images,
        CAPTION,
        [0],
    )
    body = server.bodies[0][2]
    assert set(body) == {
        'model',
        'messages',
        'max_completion_tokens',
        'top_p',
    }
    ask(
        client(server, parameters=dict(max_completion_tokens=90)),
        images,
        CAPTION,
        [0],
    )
    body = server.bodies[1][2]
    assert body['max_completion_tokens'] == 90 and 'max_tokens' not in body
    with pytest.raises(ValueError, match='option rename: a JSON object'):
        client(server, rename='max_tokens')


@pytest.mark.parametrize(
    'status, answer',
    [
        (401, error('Incorrect API key provided; temperature unknown')),
        (404, error('The model m does not exist or temperature unsupported')),
        (400, error("This model's maximum context length is 64 tokens; "
                    'max_tokens is too large', param='max_tokens')),
        (400, error('Unsupported image', param='messages[0].content')),
        (400, error('Something is wrong with temperature')),
    ],
)  # yapf: disable
def test_other_errors_do_not_change_parameters(serve, images, status, answer):
    server = serve(lambda h, text, n: h.send(answer, status))
    backend = client(server)
    got = ask(backend, images, CAPTION, [0])['0']
    assert got.reason == f'http_{status}' and len(server.bodies) == 1
    assert not backend.notes
    is_context = 'context length' in str(answer)
    assert ('lower --max-tokens' in got.message) == is_context


def message(content, finish='stop', **fields):
    return dict(
        choices=[
            dict(message=dict(content=content, **fields), finish_reason=finish)
        ]
    )


@pytest.mark.parametrize(
    'answer, reason',
    [
        (message(''), 'empty'),
        (message('  \n'), 'empty'),
        (message(None), 'empty'),
        (message([]), 'empty'),
        (message(None, 'length'), 'token_limit'),
        (message('', 'length', reasoning_content='Hm'),
         'unfinished_reasoning'),
        (message(None, 'length', reasoning='Hm'), 'unfinished_reasoning'),
        (message(None, reasoning='Hm'), 'empty'),
        (message(None, refusal="I can't."), 'refused'),
        (message([dict(type='refusal', refusal='No.')]), 'refused'),
        (message('', 'refusal'), 'refused'),
        (message('A man', 'content_filter'), 'content_filter'),
        (message(None, 'SAFETY'), 'content_filter'),
        (message(7), 'bad_response'),
        (error('upstream', code=502), 'http_502'),
        (dict(choices=[]), 'bad_response'),
    ],
)  # yapf: disable
def test_kinds_of_failures(serve, images, answer, reason):
    server = serve(lambda h, text, n: h.send(answer))
    got = ask(client(server, retries=0), images, CAPTION, [0])['0']
    assert got.reason == reason and got.message
    assert got.about_image == (reason in ('refused', 'content_filter'))


@pytest.mark.parametrize(
    'content',
    [
        'A man rides.',
        ['A man', ' rides.'],
        [dict(type='text', text='A man'), dict(type='text', text=' rides.')],
        [dict(type='output_text', text='A man rides.')],
        [dict(type='thinking', thinking=[dict(type='text', text='Hm')]),
         dict(type='text', text='A man rides.')],
        dict(type='text', text=dict(value='A man rides.')),
    ],
)  # yapf: disable
def test_content_parts_are_joined(serve, images, content):
    answer = message(content, reasoning_content='A man washes a car.')
    server = serve(lambda h, text, n: h.send(answer))
    assert ask(client(server), images, CAPTION, [0])['0'].text == (
        'A man rides.'
    )


def test_content_filter_refusals(serve, images):
    answer = error(
        'The response was filtered',
        code='content_filter',
        innererror=dict(code='ResponsibleAIPolicyViolation'),
    )
    server = serve(lambda h, text, n: h.send(answer, 400))
    got = ask(client(server), images, CAPTION, [0])['0']
    assert got.reason == 'content_filter' and got.about_image


@pytest.mark.parametrize(
    'status, answer',
    [
        (200, message('Yes')),
        (200, dict(message('Yes'), logprobs=None)),
        (400, error('logprobs are not supported with reasoning models')),
        (403, error('You are not allowed to request logprobs from this '
                    'model')),
    ],
)  # yapf: disable
def test_endpoint_without_logprobs_is_an_error(serve, images, status, answer):
    def script(handler, text, attempt):
        asked = 'logprobs' in handler.server.bodies[-1][2]
        if status == 200 or asked:
            handler.send(answer, status)
        else:
            handler.send(message('Yes'))

    got = ask(client(serve(script)), images, SCORE, [0])['0']
    assert got.reason == 'no_logprobs'
    assert got.message.startswith('the endpoint sends no log-probabilities')


def test_logprobs_of_older_servers(serve, images):
    answer = message('yes')
    answer['choices'][0]['logprobs'] = dict(
        tokens=['yes'], top_logprobs=[{'yes': math.log(0.6), 'no': -9e9}]
    )
    server = serve(lambda h, text, n: h.send(answer))
    assert ask(client(server), images, SCORE, [0])['0'].score == 1.0


def test_truncated_answer_is_kept_and_flagged(serve, images):
    server = serve(
        lambda h, text, n: h.send(completion('[{"verb": "ri', 'length'))
    )
    response = ask(client(server), images, LIST, [0])['0']
    assert (response.finish, response.text) == ('length', '[{"verb": "ri')


def test_concurrency_and_rate_are_limits(serve, images):

    def script(handler, text, attempt):
        end = time.monotonic() + 10
        while handler.server.most_flying < 3 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)  # One more than the limit.
        handler.send(completion('a'))

    server = serve(script)
    ask(client(server, concurrency=3, timeout=30), images, CAPTION)
    assert server.most_flying == 3
    server = serve(lambda h, text, n: h.send(completion('a')))
    ask(client(server, requests_per_minute=240), images, CAPTION)
    # Four pauses of 0.25 s, with slack for a busy machine.
    assert server.times[-1] - server.times[0] > 0.6


def test_retry_after_header_is_respected(serve, images):

    def script(handler, text, attempt):
        if attempt:
            handler.send(completion('a'))
        else:
            handler.send(b'', 429, Retry_After='0.3')

    server = serve(script)
    ask(client(server), images, CAPTION, [0])
    assert server.times[1] - server.times[0] > 0.2
