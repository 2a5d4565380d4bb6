from .caption_parser import CaptionParser
from .plain_text import split_prose
from .spacy_model import find_model

__all__ = ['CaptionParser', 'find_model', 'split_prose']
