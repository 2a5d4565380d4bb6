from .caption_parser import CaptionParser
from .spacy_model import find_model

__all__ = ['CaptionParser', 'find_model']
