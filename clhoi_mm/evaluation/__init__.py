"""Evaluation of detected interactions.

``core`` depends on numpy alone; ``metrics`` wraps it for mmengine's loops and
is imported by the registry when a metric is built.
"""
