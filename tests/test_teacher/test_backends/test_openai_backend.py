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
from clhoi_mm.teacher.exchange import CAPTION, LIST, SCORE

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
    """Answers as its script says, by the number of the question's try."""

    daemon_threads = True

    def __init__(self, script):
        super().__init__(('127.0.0.1', 0), Handler)
        self.script = script
        self.bodies, self.tries = [], Counter()
        self.times, self.flying, self.most_flying = [], 0, 0
        self.lock = threading.Lock()
        self.url = f'http://127.0.0.1:{self.server_port}/v1'
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that hung up is part of the test."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        """Quiet."""

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


def test_what_is_sent(serve, images, monkeypatch):
    monkeypatch.setenv('OPENAI_API_KEY', 'secret')
    server = serve(lambda h, text, n: h.send(completion('[]')))
    backend = client(server, max_side=32)
    reply = ask(backend, images, LIST, [1], schema=SCHEMA)['1']
    assert (reply.text, reply.finish, reply.tokens_in, reply.tokens_out) == (
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
    with Image.open(io.BytesIO(data)) as image:  # 28 x 84, scaled down
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


def misbehave(handler, text, attempt):
    """Each question meets another trouble, twice."""
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
        handler.send(good, cut=9)  # fewer bytes than announced
        handler.close_connection = True
    elif number == 5:
        handler.connection.close()
    else:
        handler.send([dict(error='in a good mood')][: number - 6])


def test_troubles_that_pass_are_waited_out(serve, tmp_path):
    images = write_images(tmp_path, 8)
    server = serve(misbehave)
    got = ask(client(server, concurrency=8), images, CAPTION, range(8))
    assert {k: v.text for k, v in got.items()} == {
        str(i): f'answer {i}' for i in range(8)
    }
    assert set(server.tries.values()) == {3}


def test_troubles_that_last_are_named(serve, images):

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
        '4': 'refused',
        'broken': 'unreadable_image',
    }
    assert got['1'].message == 'no such model'
    # Only what may pass is tried again.
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


def test_answer_cut_off_at_the_limit_is_kept_as_such(serve, images):
    server = serve(
        lambda h, text, n: h.send(completion('[{"verb": "ri', 'length'))
    )
    reply = ask(client(server), images, LIST, [0])['0']
    assert (reply.finish, reply.text) == ('length', '[{"verb": "ri')


def test_concurrency_and_rate_are_limits(serve, images):

    def script(handler, text, attempt):
        end = time.monotonic() + 10
        while handler.server.most_flying < 3 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)  # for one too many
        handler.send(completion('a'))

    server = serve(script)
    ask(client(server, concurrency=3, timeout=30), images, CAPTION)
    assert server.most_flying == 3
    server = serve(lambda h, text, n: h.send(completion('a')))
    ask(client(server, requests_per_minute=240), images, CAPTION)
    # Four pauses of a quarter of a second, on a machine that may be busy.
    assert server.times[-1] - server.times[0] > 0.6


def test_longer_pauses_where_the_server_asks(serve, images):

    def script(handler, text, attempt):
        if attempt:
            handler.send(completion('a'))
        else:
            handler.send(b'', 429, Retry_After='0.3')

    server = serve(script)
    ask(client(server), images, CAPTION, [0])
    assert server.times[1] - server.times[0] > 0.2
