from typing import Optional

# Figures by row and seed, None where there are none yet.
Found = dict[str, dict[int, Optional[dict]]]


def values_of(found: Found, row: str, figure: str) -> list[float]:
    """A figure of all runs of a row that are there.

    Args:
        found (dict): Figures by row and seed.
        row (str): The row.
        figure (str): Its name.

    Returns:
        list[float]: By seed; empty if nothing was run.

    Raises:
        ValueError: The runs have no such figure.
    """
    results = [f for f in found.get(row, {}).values() if f is not None]
    for result in results:
        if figure not in result:
            raise ValueError(
                f'no figure {figure!r} among those of row '
                f'{row!r}: {", ".join(result)}'
            )
    return [result[figure] for result in results]
