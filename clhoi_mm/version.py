"""The version, alone in a file that setup.py can read without an import."""

__version__ = '0.2.0'
