"""Links between the documents resolve."""

import re

import pytest

from tests.test_docs.pages import DOCS, FENCE, prose

LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')


def anchors(path):
    """Return the heading anchors that GitHub and MyST generate."""
    text = FENCE.sub('', path.read_text())
    titles = re.findall(r'^#{1,6} (.+)$', text, re.M)
    return {
        re.sub(r'[^\w\- ]', '', title.strip().lower()).replace(' ', '-')
        for title in titles
    }


@pytest.mark.parametrize('path', DOCS, ids=lambda path: path.name)
def test_links_resolve(path):
    for link in LINK.findall(prose(path)):
        if re.match(r'https?://', link):
            continue
        name, _, anchor = link.partition('#')
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f'{path.name}: {link}: no such file'
        if anchor:
            assert anchor in anchors(target), f'{path.name}: {link}'


def test_every_page_is_in_the_table_of_contents():
    index = next(path for path in DOCS if path.name == 'index.md')
    listed = set(re.findall(r'^(\w+)$', index.read_text(), re.M))
    pages = {path.stem for path in DOCS if path.parent == index.parent}
    assert listed == pages - {'index'}
