from typing import Optional

# Metrics by row and seed; None for runs without a result.
Found = dict[str, dict[int, Optional[dict]]]


def values_of(found: Found, row: str, metric: str) -> list[float]:
    """Return a metric of a row's runs.

    Args:
        found (dict): Metrics by row and seed.
        row (str): Name of the row.
        metric (str): Name of the metric.

    Returns:
        list[float]: Values by seed, without runs that have no result.

    Raises:
        ValueError: If the runs have no such metric.
    """
    results = [f for f in found.get(row, {}).values() if f is not None]
    for result in results:
        if metric not in result:
            raise ValueError(
                f'no metric {metric!r} among those of row '
                f'{row!r}: {", ".join(result)}'
            )
    return [result[metric] for result in results]
