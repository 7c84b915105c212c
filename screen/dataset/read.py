"""Rows of runs for other programs: a DataFrame of pandas or polars, or a dataset of Arrow.

    read("results/first")                        # pandas.DataFrame, all rows
    read("results/first", columns=["coating", "p_works"], to="polars")
    read("results/first", to="arrow")            # pyarrow.dataset.Dataset, lazy

Only undamaged parts are read; a warning names the parts that are left out.
"""

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Literal

from muli.screen.dataset.results import Dirs, open_results
from muli.screen.errors import UsageError
from muli.screen.spec.names import closest

To = Literal["pandas", "polars", "arrow"]
TARGETS: tuple[To, ...] = ("pandas", "polars", "arrow")


def read(dirs: Dirs, *, columns: Sequence[str] | None = None, to: To = "pandas") -> Any:
    """All rows of one or several run folders.

    Args:
        dirs: a folder of `muli run`, or several.
        columns: their names; all of them by default.
        to: "pandas" or "polars" for a DataFrame, "arrow" for a `pyarrow.dataset.Dataset`, which
            reads nothing yet (choose columns when it is scanned).

    Raises:
        StoreError: no folder of a run. UsageError: an unknown column or target, or no polars.
    """
    if to not in TARGETS:
        near = closest(str(to), TARGETS)
        raise UsageError(f"to = {to!r}: expected one of {', '.join(TARGETS)}{near}")
    if to == "polars" and find_spec("polars") is None:
        raise UsageError("polars is not installed: pip install polars")
    results = open_results(dirs)
    for warning in results.warnings:
        warnings.warn(warning, stacklevel=2)
    if unknown := [name for name in columns or () if name not in results.columns]:
        near = closest(unknown[0], results.columns)
        raise UsageError(f"no column {unknown[0]!r}{near}")
    import pyarrow.dataset as dataset

    source = dataset.dataset(list(results.parts))
    if to == "arrow":
        if columns is not None:
            raise UsageError('columns: choose them when the dataset of to="arrow" is scanned')
        return source
    table = source.to_table(columns=None if columns is None else list(columns))
    if to == "polars":
        import polars

        return polars.from_arrow(table)
    return table.unify_dictionaries().to_pandas()
