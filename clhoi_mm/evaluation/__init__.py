"""How detected interactions are scored.

``core`` needs numpy alone; ``metrics`` brings it into mmengine's loops and is
imported by the registry when a metric is built.
"""
