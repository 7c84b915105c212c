"""From run folders to the page: query, words, pictures, joined and written in one step."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import pandas as pd

from muli.candidates.environment import install_command
from muli.candidates.files import write_atomically
from muli.screen.dataset import materials
from muli.screen.dataset.results import Dirs, Results, open_results
from muli.screen.errors import ScreenError
from muli.screen.ranking.rank import Ranking, ranking
from muli.screen.report import (
    assumed,
    funnel,
    page,
    query,
    words,
)
from muli.screen.report import (
    columns as table,
)
from muli.screen.report import (
    material_figures as chemistry,
)
from muli.screen.report import (
    ranking_figures as pictures,
)
from muli.screen.report import (
    what_if as inside,
)

TITLES = {"built-in": "The built-in screen: every coating on every electrolyte"}


MOST_RANKED = 10_000
"""Rows that are read whole so that each coating stands in each cell."""


class ReportError(ScreenError):
    """A report that cannot be made, with the way out."""

    exit_code = 2


def report(dirs: Dirs, out: str | Path) -> Path:
    """Write the page of one or several run folders to `out`; gives back the path.

    Raises `StoreError` where a folder is not a run's, `ReportError` where `out` cannot be written
    or the extra `report` is not installed.
    """
    path = Path(out)
    try:
        text = html(dirs)
    except ModuleNotFoundError as error:
        raise ReportError(f"the report needs {error.name}: {install_command('report')}") from None
    try:
        write_atomically(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def html(dirs: Dirs) -> str:
    """The page as text."""
    results = open_results(dirs)
    spec = results.manifests[0].spec
    held = query.contents(query.Dataset(results, {}))
    found = _by_cell(results, held)
    data = query.Dataset(results, found.scenario)
    budget = spec["screen"]["asr_budget_ohm_cm2"]
    ranked = table.ordered(found.rows, budget)
    cell = _cell(data, ranked)
    tables = _materials(results, pd.concat([ranked, cell]))
    with jax.enable_x64(True):
        starts = inside.numbers(ranked, tables, spec["screen"])
        rows = table.in_words(ranked, starts, budget)
        here = inside.numbers(cell, tables, spec["screen"])
        drawn = [
            *pictures.pictures(data, held, ranked, rows, starts),
            *chemistry.pictures(rows, cell, here, tables, spec["screen"]),
        ]
    facts = _facts(found.order, data, spec, held, rows, tables)
    return page.render(
        facts,
        drawn,
        {
            "columns": table.described(rows),
            "rows": table.pack(rows),
            "starts": table.pack(starts, str),
            "window_tolerance_V": spec["screen"]["window_tolerance_V"],
        },
    )


def _by_cell(results: Results, held: query.Contents) -> Ranking:
    """The first coatings of every cell, as many as a page can carry, and the best of the others."""
    columns = [c for c in ("electrolyte", "cathode", "cathode_potential_V") if c in results.columns]
    if "cathode" in columns:
        columns.remove("cathode_potential_V")
    cells, coatings = max(len(held.electrolytes) * len(held.cathodes), 1), len(held.coatings)
    room = (table.MOST_ROWS - min(coatings, table.MOST_ROWS // 2)) // cells
    whole = coatings if cells * coatings <= MOST_RANKED else 1
    found = ranking(results, top=max(room, whole, 1), per=columns)
    if found.rows["coating"].nunique() >= coatings:
        return found
    others = ranking(results, top=1, per=["coating"]).rows.assign(rank=float("nan"))
    others = others[~others["coating"].isin(found.rows["coating"])]
    return replace(found, rows=pd.concat([found.rows, others], ignore_index=True))


def _cell(data: query.Dataset, ranked: pd.DataFrame) -> pd.DataFrame:
    """Every coating of the first row's cell, one row each."""
    first = table.records(ranked.head(1))
    return query.coatings(data, query.cell(data, first[0])) if first else ranked


def _materials(results: Results, ranked: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Properties of the materials of these rows as they were when the runs ran, by role and name.

    Where a name stands in several runs, the first one's.
    """
    found = {}
    kept = [materials.read(f, m) for f, m in zip(results.folders, results.manifests, strict=True)]
    for role in inside.ROLES:
        both = pd.concat([tables[role] for tables in kept if role in tables])
        both = both.drop_duplicates("name").set_index("name")
        found[role] = both[both.index.isin(ranked[role].dropna().unique())]
    return found


def _facts(
    stated: str,
    data: query.Dataset,
    spec: Mapping[str, Any],
    held: query.Contents,
    rows: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
) -> words.Facts:
    results = data.results
    named = {
        "coating": [table.plain(name) for name in held.coatings],
        "electrolyte": [table.plain(name) for name in held.electrolytes],
        "against": [_cathode(name) for name in held.cathodes],
    }
    ids = sorted({each for m in results.manifests for each in m.sources})
    leaders = table.records(rows.head(1).map(table.plain))
    title = " + ".join(
        dict.fromkeys(
            TITLES.get(m.name, m.name) or f.name
            for f, m in zip(results.folders, results.manifests, strict=True)
        )
    )
    return words.Facts(
        title=table.plain(title),
        version=metadata.version("muli"),
        warnings=words.warnings(results),
        sentences=[
            ("Asked", words.asked(spec, named, words.sizes(results))),
            ("Answered", words.answered(results, held, leaders[0] if leaders else None)),
            ("Mind", words.mind(results, held.evidence)),
        ],
        funnel=funnel.funnel(results),
        order=f"Within each cell by {table.spelled(stated)}.",
        rows_left_out=_left_out(results, len(rows), held.rows),
        assumptions=assumed.assumptions(spec, data.scenario, tables),
        sources=words.sources(ids),
        command=words.command(results),
        spec=words.resolved(spec),
        provenance=words.provenance(results),
    )


def _cathode(name: Any) -> str:
    """A cathode's name, or its potential."""
    return table.plain(name) if isinstance(name, str) else f"{float(name):.2f} V"


def _left_out(results: Results, shown: int, stored: int) -> str:
    """How much of the dataset the table carries."""
    folders = " ".join(table.plain(folder.name) for folder in results.folders)
    return (
        f"The table carries {shown:,} of {stored:,} rows stored: each coating at its best "
        "thickness, the first ones of every cell, and every coating at least once. For more: "
        f"muli rank {folders} --top 1000 --csv"
    )
