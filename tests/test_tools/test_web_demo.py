"""The web page in a real browser."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from tests.data_utils import REPO
from tests.test_apis.conftest import save_model
from tests.tool_utils import MINI, make_world

WAIT = 60


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    from mmengine.config import Config

    folder = make_world(tmp_path_factory.mktemp('web'), 1, 1, 3)
    save_model(Config.fromfile(MINI), folder / 'model.pth')
    return folder


@pytest.fixture(scope='module')
def address(world):
    """A server of its own, with two examples."""
    pytest.importorskip('gradio', reason='needs Gradio: make web')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    images = sorted((world / 'data/mini/test/images').iterdir())
    log = open(world / 'web.log', 'w')
    server = subprocess.Popen(
        [
            sys.executable,
            str(REPO / 'tools/web_demo.py'),
            '--weights',
            'model.pth',
            '--device',
            'cpu',
            '--port',
            str(port),
            '--max-mb',
            '1',
            '--examples',
            *map(str, images[:2]),
        ],
        cwd=world,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f'http://127.0.0.1:{port}/'
    try:
        end = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(url, timeout=5)
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < end, (
                    world / 'web.log'
                ).read_text()
                time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(30)
        log.close()


@pytest.fixture(scope='module')
def browser():
    webdriver = pytest.importorskip(
        'selenium.webdriver', reason='needs selenium: pip install selenium'
    )
    binary, driver = shutil.which('chromium'), shutil.which('chromedriver')
    if not (binary and driver):
        pytest.skip('needs Chromium: apt-get install chromium chromium-driver')
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (
        '--headless=new',
        '--no-sandbox',
        '--window-size=1280,1400',
        '--disable-dev-shm-usage',
        '--disable-gpu',
    ):
        options.add_argument(argument)
    chrome = webdriver.Chrome(
        options, webdriver.ChromeService(executable_path=driver)
    )
    chrome.set_page_load_timeout(120)
    yield chrome
    chrome.quit()


@pytest.fixture
def page(browser, address):
    browser.get(address)
    Page(browser).find('#upload input[type=file], input[type=file]')
    return Page(browser)


class Page:
    """The page as a visitor sees it."""

    def __init__(self, browser):
        self.browser = browser

    def all(self, selector):
        return self.browser.find_elements('css selector', selector)

    def find(self, selector):
        return self.until(lambda: (self.all(selector) or [None])[0], selector)

    def until(self, condition, what):
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            try:
                value = condition()
            except Exception as error:  # the page changes while it is read
                if 'Stale' not in type(error).__name__:
                    raise
                value = None
            if value:
                return value
            time.sleep(0.1)
        raise AssertionError(f'{what}: {self.browser.page_source[-3000:]}')

    @property
    def message(self):
        return self.find('#message textarea').get_property('value')

    @property
    def picture(self):
        images = self.all('#picture img')
        return images[0].get_attribute('src') if images else None

    @property
    def texts(self):
        """The table's cells: number, interaction, score, number, ..."""
        cells = [c.text.strip() for c in self.all('#table tbody td')]
        return [text for text in cells if text]

    def upload(self, path):
        self.find('#upload input[type=file], input[type=file]').send_keys(
            str(path)
        )

    def set_threshold(self, value):
        field = self.find('#threshold input[type=number]')
        self.browser.execute_script(
            'arguments[0].value = arguments[1];'
            "arguments[0].dispatchEvent(new Event('input', {bubbles: true}));"
            "arguments[0].dispatchEvent(new Event('change', {bubbles: true}));"
            "arguments[0].dispatchEvent(new Event('blur', {bubbles: true}));"
            "arguments[0].dispatchEvent(new PointerEvent('pointerup',"
            ' {bubbles: true}));',
            field,
            value,
        )

    def ask(self, phrases):
        """Replace the phrases, as by hand."""
        # Control and A, Delete: what is cleared by a script goes unnoticed.
        self.find('#phrases textarea').send_keys('\ue009a\ue000\ue017')
        self.find('#phrases textarea').send_keys(phrases)
        self.look()

    def look(self):
        self.find('#look').click()

    def next_picture(self, before):
        return self.until(
            lambda: self.picture if self.picture != before else None,
            'another picture',
        )


@pytest.mark.slow
def test_a_visit(page, world):
    images = sorted((world / 'data/mini/test/images').iterdir())
    page.set_threshold(1)
    page.upload(images[2])
    first = page.next_picture(None)
    assert page.message.endswith('interactions.')
    count = int(page.message.split()[0])
    assert count > 3

    # The threshold.
    page.set_threshold(95)
    page.look()
    second = page.next_picture(first)
    page.until(lambda: 'Nothing is found' in page.message, 'nothing')
    page.set_threshold(1)
    page.look()
    third = page.next_picture(second)
    assert int(page.message.split()[0]) == count

    # A row of the table.
    name = page.until(lambda: page.texts, 'a table')[1]
    cell = next(
        c for c in page.all('#table tbody td') if c.text.strip() == name
    )
    cell.click()
    fourth = page.next_picture(third)
    assert page.message == f'{name}: this pair alone.'

    # Phrases.
    page.ask(name)
    fifth = page.next_picture(fourth)
    page.until(lambda: page.texts, 'a table')
    assert name in page.texts
    page.ask('ride unicorn')
    page.until(lambda: 'unicorn' in page.message, 'an error in words')

    # An example.
    page.ask('')
    sixth = page.next_picture(fifth)
    page.find('#examples img').click()
    page.next_picture(sixth)
    page.until(lambda: page.message.endswith('interactions.'), 'a message')


@pytest.mark.slow
def test_hostile_files(page, tmp_path):
    for name, data, part in (
        ('evil.png', b'no image', 'No image can be read'),
        (
            '..%2f..%2fetc%2fpasswd.png',
            b'GIF89a' + bytes(99),
            'No image can be read',
        ),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        page.upload(path)
        page.until(lambda part=part: part in page.message, part)
        assert page.picture is None
    # The limit of one MiB is the server's.
    large = tmp_path / 'large.png'
    large.write_bytes(np.random.default_rng(0).bytes(3 << 20))
    page.upload(large)
    page.until(
        lambda: (
            'size'
            in page.browser.find_element('tag name', 'body').text.lower()
        ),
        'a word on the size',
    )
    assert page.picture is None


@pytest.mark.slow
def test_a_path_that_a_visitor_made_up(address, tmp_path):
    secret = tmp_path / 'secret.png'
    secret.write_bytes(b'secret')
    body = json.dumps(
        dict(
            data=[
                dict(path=str(secret), meta=dict(_type='gradio.FileData')),
                0,
                '',
            ]
        )
    )
    request = urllib.request.Request(
        f'{address}gradio_api/call/upload',
        body.encode(),
        {'Content-Type': 'application/json'},
    )
    event = json.load(urllib.request.urlopen(request, timeout=WAIT))
    answer = (
        urllib.request.urlopen(
            f'{address}gradio_api/call/upload/{event["event_id"]}',
            timeout=WAIT,
        )
        .read()
        .decode()
    )
    assert 'event: error' in answer or 'This is no upload' in answer
    assert secret.read_bytes() == b'secret'


@pytest.mark.slow
def test_nothing_comes_from_elsewhere(page, address):
    loaded = page.browser.execute_script(
        "return performance.getEntriesByType('resource')"
        '.filter(e => e.responseStatus).map(e => e.name)'
    )
    assert loaded and all(
        name.startswith((address, 'data:', 'blob:')) for name in loaded
    ), [name for name in loaded if not name.startswith(address)]
