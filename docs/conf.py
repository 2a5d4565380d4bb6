"""Sphinx: `make docs`."""

import re
from pathlib import Path

from sphinx.addnodes import pending_xref

ROOT = Path(__file__).resolve().parents[1]

project = 'clhoi_mm'
author = copyright = 'clhoi_mm authors'
release = re.search(
    r"__version__ = '(.+)'", (ROOT / 'clhoi_mm' / 'version.py').read_text()
).group(1)
extensions = ['myst_parser', 'autoapi.extension', 'sphinx.ext.napoleon']
# The API reference (api/*.rst) reads sources and imports nothing; the pages
# choose what of them is shown.
autoapi_dirs = [str(ROOT / 'clhoi_mm')]
autoapi_generate_api_docs = False
# Constants that are assigned together are not followed, nor needed there.
suppress_warnings = ['autoapi.python_import_resolution']
autodoc_default_options = {'members': True, 'show-inheritance': True}
default_role = 'code'  # `this`, as docstrings have it
maximum_signature_line_length = 79
python_use_unqualified_type_names = True
toc_object_entries_show_parents = 'hide'
# Headings are link targets, as on the forges that show the same files.
myst_heading_anchors = 4
html_theme = 'furo'
html_title = f'{project} {release}'


def skip_member(app, what, name, member, skip, options) -> bool:
    """Skip members without a docstring; attributes are in the class's."""
    return skip or not member.docstring


def search_references(app, doctree) -> None:
    """Find what docstrings name without the module, as :class:`CLHOI`."""
    for node in doctree.findall(pending_xref):
        if node['refdomain'] == 'py':
            node['refspecific'] = True


def link_outside_pages(app, docname, source) -> None:
    """Offer pages outside of docs, such as a README, as files."""
    source[0] = re.sub(r'\]\((\.\./[^)#]+\.md)\)', r'](path:\1)', source[0])


def setup(app) -> None:
    app.connect('source-read', link_outside_pages)
    app.connect('autodoc-skip-member', skip_member)
    app.connect('doctree-read', search_references)
