"""Web demo in a real browser."""

import base64
import io
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

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
    """Start a server with two examples."""
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
    Page(browser).find('input[type=file]')
    return Page(browser)


class Page:
    """The page's elements and actions."""

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
            except Exception as error:  # The page changes while it is read.
                if 'Stale' not in type(error).__name__:
                    raise
                value = None
            if value:
                return value
            time.sleep(0.1)
        page = self.browser.find_element('tag name', 'body').text
        raise AssertionError(f'{what}: {page}')

    @property
    def heading(self):
        return self.find('.found h2').text

    @property
    def sentences(self):
        return [row.text for row in self.all('.found li span')]

    @property
    def error(self):
        return ' '.join(each.text for each in self.all('#result .error'))

    @property
    def shown_pairs(self):
        """Return the numbers of the highlighted pairs."""
        return [
            i
            for i, group in enumerate(self.all('.frame g'))
            if group.value_of_css_property('opacity') == '1'
        ]

    def point_at(self, element):
        from selenium.webdriver import ActionChains

        ActionChains(self.browser).move_to_element(element).perform()

    def download(self, name):
        (link,) = self.all(f'.downloads a[download="{name}"]')
        return base64.b64decode(link.get_attribute('href').split(',')[1])

    def upload(self, path):
        self.find('input[type=file]').send_keys(str(path))

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
        """Replace the phrases with key strokes."""
        # Select all and delete: clearing by script triggers no event.
        self.find('#phrases textarea').send_keys('\ue009a\ue000\ue017')
        self.find('#phrases textarea').send_keys(phrases)
        self.detect()

    def detect(self):
        self.find('#detect').click()


@pytest.mark.slow
def test_complete_visit(page, world):
    images = sorted((world / 'data/mini/test/images').iterdir())
    assert 'RTMDet' in page.find('#model').text
    page.set_threshold(0.01)
    page.upload(images[2])
    page.until(lambda: 'interactions above 0.01' in page.heading, 'a list')
    everything = page.sentences
    assert len(everything) > 3
    assert all(text.startswith('a person ') for text in everything)

    # A row highlights its pair on hover and on selection.
    assert page.shown_pairs == []
    rows = page.all('.found li')
    page.point_at(rows[1])
    page.until(lambda: page.shown_pairs == [1], 'the pair of the row')
    rows[2].click()
    page.until(lambda: page.shown_pairs == [2], 'the pair of the row')
    page.point_at(page.find('h1'))
    page.until(lambda: page.shown_pairs == [2], 'the selected pair')

    # Downloads.
    hois = json.loads(page.download('interactions.json'))['hois']
    assert len(hois['scores']) >= len(everything)
    picture = Image.open(io.BytesIO(page.download('interactions.jpg')))
    assert picture.width == 720

    # The threshold.
    page.set_threshold(0.95)
    page.detect()
    page.until(
        lambda: page.heading == 'Nothing above 0.95; the best below:',
        'the best below',
    )
    assert page.sentences == everything[:5]

    # Custom interactions.
    page.set_threshold(0.01)
    page.ask(everything[0])
    page.until(lambda: set(page.sentences) == {everything[0]}, 'one class')
    page.ask('ride unicorn')
    page.until(lambda: 'unicorn' in page.error, 'an error in words')

    # An example.
    page.ask('')
    page.until(lambda: page.sentences == everything, 'the list again')
    page.find('#examples button').click()
    page.until(lambda: page.sentences != everything, 'another image')


@pytest.mark.slow
@pytest.mark.parametrize('width', [390, 1440])
def test_page_fits_small_and_large_screens(page, width):
    metrics = dict(
        width=width, height=844, deviceScaleFactor=1, mobile=width < 500
    )
    name = 'Emulation.setDeviceMetricsOverride'
    page.browser.execute_cdp_cmd(name, metrics)
    try:
        page.find('#examples button').click()
        picture = page.find('.frame img').rect
        rows = page.find('.found').rect
        beside = rows['x'] >= picture['x'] + picture['width']
        assert beside == (width > 1000)
        assert picture['width'] > 300
        root = 'return document.documentElement.scrollWidth'
        assert page.browser.execute_script(root) <= width
    finally:
        page.browser.execute_cdp_cmd(
            'Emulation.clearDeviceMetricsOverride', {}
        )


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
        page.until(lambda part=part: part in page.error, part)
        assert not page.all('.result')
    # The one-MiB limit is the server's.
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
    assert not page.all('.result')


@pytest.mark.slow
def test_forged_paths_are_refused(address, tmp_path):
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
    assert 'event: error' in answer or 'This is not an upload' in answer
    assert secret.read_bytes() == b'secret'


@pytest.mark.slow
def test_page_loads_no_external_resources(page, address):
    loaded = page.browser.execute_script(
        "return performance.getEntriesByType('resource')"
        '.filter(e => e.responseStatus).map(e => e.name)'
    )
    assert loaded and all(
        name.startswith((address, 'data:', 'blob:')) for name in loaded
    ), [name for name in loaded if not name.startswith(address)]
