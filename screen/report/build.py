"""Make the page from run folders: query them, write texts, draw pictures, join all as HTML."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

import jax
import pandas as pd

from muli.screen.dataset import materials
from muli.screen.dataset.results import Dirs, Results, open_results
from muli.screen.ranking.rank import at_recommended
from muli.screen.report import (
    ageing_figures,
    assumed,
    funnel,
    growth,
    measuring,
    page,
    query,
    scenarios,
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
from muli.screen.vocabulary import CELL, FILL

TITLES = {"built-in": "The built-in screen: every coating on every electrolyte"}


LEGEND = (
    "Works: the four questions together, in every state of charge: does the electrolyte stay "
    "inside its window (protects), does the cell still run (affordable), does the coating stand "
    "the cathode (stable), does it leave its neighbours alone (inert). Chemistry leaves out the "
    "transport of electrons, transport is that and the resistance. Conductivities are decimal "
    "logarithms of S/cm; what was not measured is a prior, a distribution fitted to the library. "
    "Needs: what protects at this thickness with the σᵢ listed for the coating, where one is."
)


def html(dirs: Dirs, *, measure: bool = False) -> str:
    """The page as text. measure: as in `report`."""
    results = open_results(dirs)
    spec = results.manifests[0].spec
    held = query.contents(query.Dataset(results, {}))
    listed = scenarios.listing(results)
    ranked, budget = listed.rows, spec["screen"]["asr_budget_ohm_cm2"]
    data = query.Dataset(results, _reference(listed))
    cell = _cell(data, ranked)
    tables = _materials(results, pd.concat([ranked, cell]))
    with jax.enable_x64(True):
        typed = [key.removeprefix(FILL) for key in spec["axes"].get("others", {})]
        starts = inside.numbers(ranked, tables, spec["screen"], typed)
        rows = table.in_words(at_recommended(ranked, results), starts, budget)
        cell_numbers = inside.numbers(cell, tables, spec["screen"], typed)
        drawn = [
            *pictures.pictures(data, held, ranked, rows, starts),
            *ageing_figures.pictures(ranked, starts),
            *chemistry.pictures(rows, cell, cell_numbers, tables, spec["screen"]),
        ]
    gains = measuring.measurements(listed) if measure else pd.DataFrame()
    drawn += measuring.pictures(gains, ranked)
    scenario_data = scenarios.described(listed, [*listed.axes, *listed.held])
    facts = replace(
        _facts(listed, scenario_data, data, spec, held, tables),
        measure=measuring.table(gains) if measure else None,
    )
    return page.render(
        facts,
        drawn,
        {
            "columns": table.described(rows, len(listed.scenarios)),
            "rows": table.pack(rows),
            "starts": table.pack(starts, str),
            "growth": growth.settings(ranked["electrolyte"], spec.get("ageing")),
            "scenarios": scenario_data,
            "folders": _folders(results),
            "window_tolerance_V": spec["screen"]["window_tolerance_V"],
        },
    )


def _folders(results: Results) -> str:
    """The folders as arguments of a command."""
    return " ".join(shlex.quote(table.plain(folder)) for folder in results.folders)


def _reference(listed: scenarios.Listing) -> dict[str, Any]:
    """Values of the first scenario, without those that define the cell."""
    first = {name: listed.scenarios[name].iloc[0] for name in listed.axes}
    return {name: value for name, value in {**listed.held, **first}.items() if name not in CELL}


def _cell(data: query.Dataset, ranked: pd.DataFrame) -> pd.DataFrame:
    """All coatings in the cell of the first row, one row for each."""
    first = table.records(ranked.head(1))
    return query.coatings(data, query.cell(data, first[0])) if first else ranked


def _materials(results: Results, ranked: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Properties of the materials of these rows, as the runs stored them, by role and name.

    Where several runs have a name, the properties are those of the first.
    """
    by_role = {}
    kept = [materials.read(f, m) for f, m in zip(results.folders, results.manifests, strict=True)]
    for role in inside.ROLES:
        combined = pd.concat([tables[role] for tables in kept if role in tables])
        combined = combined.drop_duplicates("name").set_index("name")
        by_role[role] = combined[combined.index.isin(ranked[role].dropna().unique())]
    return by_role


def _facts(
    listed: scenarios.Listing,
    told: Mapping[str, Any],
    data: query.Dataset,
    spec: Mapping[str, Any],
    held: query.Contents,
    tables: Mapping[str, pd.DataFrame],
) -> words.Facts:
    results = data.results
    first = table.records(listed.rows[listed.rows["scenario"] == 0])
    headline = told["headlines"][0] if first else ""
    named = {
        "coating": [table.plain(name) for name in held.coatings],
        "electrolyte": [table.plain(name) for name in held.electrolytes],
        "against": [_cathode(name) for name in held.cathodes],
    }
    ids = sorted({source for m in results.manifests for source in m.sources})
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
        notes=words.notes(results),
        sentences=[
            ("Asked", words.asked(spec, named, words.sizes(results))),
            ("Answered", words.answered(results, held, first, headline)),
            ("Mind", words.mind(results, held, first)),
        ],
        funnel=funnel.funnel(results),
        order=f"Order: {table.spelled(listed.order)}.",
        legend=LEGEND if listed.believed else "",
        held=_held(listed.held),
        assumptions=assumed.assumptions(spec, data.scenario, tables),
        sources=words.sources(ids),
        command=words.command(results),
        spec=words.resolved(spec),
        believed=listed.believed,
        folders=_folders(results),
        measure=None,
        growth=growth.told(spec.get("ageing")),
        provenance=words.provenance(results),
    )


def _cathode(name: Any) -> str:
    """A cathode's name, or its potential."""
    return table.plain(name) if isinstance(name, str) else f"{float(name):.2f} V"


def _held(held: Mapping[str, Any]) -> str:
    """What a page with too many scenarios leaves out."""
    if not held:
        return ""
    values = ", ".join(f"{assumed.spoken(name)} {value}" for name, value in held.items())
    return (
        f"The run has more scenarios than a page carries: here {values}. For others: "
        "muli rank DIR --where CONDITION"
    )
