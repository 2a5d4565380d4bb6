"""Torch-free helpers shared by several folders."""
