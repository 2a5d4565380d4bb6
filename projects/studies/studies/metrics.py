from typing import Optional

# Metrics by row and seed, None where there are none yet.
Found = dict[str, dict[int, Optional[dict]]]


def values_of(found: Found, row: str, metric: str) -> list[float]:
    """A metric of all runs of a row that are there.

    Args:
        found (dict): Metrics by row and seed.
        row (str): The row.
        metric (str): Its name.

    Returns:
        list[float]: By seed; empty if nothing was run.

    Raises:
        ValueError: The runs have no such metric.
    """
    results = [f for f in found.get(row, {}).values() if f is not None]
    for result in results:
        if metric not in result:
            raise ValueError(
                f'no metric {metric!r} among those of row '
                f'{row!r}: {", ".join(result)}'
            )
    return [result[metric] for result in results]
