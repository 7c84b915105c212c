"""A ranking by probability as text: one line per coating, the cell above, notes below.

Four questions have a column each: is the electrolyte inside its window, is the resistance within
the budget, is the coating stable at the cathode, is it inert against its neighbours. `--why` adds
a sentence for every coating, `--wide` further columns.
"""

import io
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muli.screen.ranking.rank import at_recommended
from muli.screen.views.table import cell, figure, safe
from muli.screen.views.why import nm, number, why

if TYPE_CHECKING:
    import pandas as pd

    from muli.screen.ranking.rank import Ranking

Row = Mapping[str, Any]
QUESTIONS = ("p_protects", "p_affordable", "p_stable", "p_inert")
BARE = "none"
STATE = "cathode_state"
MOST_LAYERS = 9
"""One more than the largest number of layers of a coating in a row."""
NARROW = 100
"""In narrower terminals the band and the sigma_ele needed are shown only with `--wide`."""
_LEGEND_OF_WIDE = (
    " band: within 90 % of the best. log s_ele: what is believed of sigma_ele, S/cm; need: what "
    "protects at L with the sigma_ion listed for the coating, empty where none is."
)
_SPOKEN = {
    "p_protects": "protects",
    "p_affordable": "affords",
    "p_stable": "stable",
    "p_inert": "inert",
}


def render_works(
    found: "Ranking",
    everything: "pd.DataFrame | None" = None,
    width: int = 120,
    *,
    sentences: bool = False,
    wide: bool = False,
) -> str:
    """The table, its order and scenario, and the reference coatings that are not in it.

    everything: all coatings of the scenario, ranked; for the reference coatings.
    """
    rows = _records(at_recommended(found.rows, found.results))
    if not rows:
        return "no row fits"
    if everything is not None:
        everything = at_recommended(everything, found.results)
    all_rows = _records(everything) if everything is not None else rows
    of_cell = next((row for row in all_rows if row["coating"] == BARE), rows[0])
    cells = {cell(row, state=False) for row in (rows if found.per else [of_cell])}
    lines = [*textwrap.wrap(cells.pop(), width), ""] if len(cells) == 1 else []
    for name, group in _groups(rows, found.per):
        lines += ["", name] if name else []
        lines.append(_table(group, width, wide=wide))
    if sentences:
        lines += ["", *(line for row in rows for line in _sentence(row, width))]
    lines += ["", *_legend(found, width, wide=wide), *_references(found, everything, width)]
    return "\n".join(line.rstrip() for line in lines)


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _groups(rows: Sequence[Row], per: Sequence[str]) -> Iterator[tuple[str, Sequence[Row]]]:
    """Rows by the columns of `per`, with a heading; one group without heading if `per` is empty."""
    if not per:
        yield "", rows
        return
    groups: dict[str, list[Row]] = {}
    for row in rows:
        heading = (
            cell(row, state=False)
            if "electrolyte" in per
            else ", ".join(f"{column} {safe(row[column], 60)}" for column in per)
        )
        groups.setdefault(heading, []).append(row)
    yield from groups.items()


def _table(rows: Sequence[Row], width: int, *, wide: bool) -> str:
    from rich.console import Console
    from rich.table import Table

    room = wide or width >= NARROW
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("coating", no_wrap=True, max_width=26 if room else 16)
    headings = ["works", "chem", "trans", "prot", "aff", "stab", "inert", "L nm"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    if room:
        table.add_column("band nm", justify="right", no_wrap=True)
    table.add_column("ohm", justify="right", no_wrap=True)
    if room:
        table.add_column("log s_ele", justify="right", no_wrap=True)
        table.add_column("need", justify="right", no_wrap=True)
    table.add_column("decides", no_wrap=True)
    if wide:
        table.add_column("log s_ion", justify="right", no_wrap=True)
        table.add_column("E* V", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row, room=room, wide=wide))
    text = io.StringIO()
    characters = max(width, 200) if wide else width
    Console(file=text, width=characters, color_system=None, highlight=False, markup=False).print(
        table
    )
    return text.getvalue().rstrip("\n")


def _cells(row: Row, *, room: bool, wide: bool) -> list[str]:
    cells = [f"{row['rank']}{'=' if row['tied'] else ''}", _named(row)]
    cells += [percent(number(row, name)) for name in ("p_works", "p_chemistry", "p_transport")]
    cells += [percent(number(row, name)) for name in QUESTIONS]
    thickness = number(row, "coating_thickness_nm")
    mark = "*" if row.get("thin") is True or row.get("thin") == 1 else ""
    bare = row["coating"] == BARE
    cells.append("" if bare else f"{figure(thickness)}{mark}")
    if room:
        ends = [figure(number(row, f"thickness_{end}_nm")) for end in ("low", "high")]
        cells.append("" if bare else "-".join(ends))
    cells.append(figure(number(row, "asr_median_ohm_cm2"), "none"))
    if room:
        cells.append("" if bare else _known(row, "sigma_ele"))
        cells.append("" if bare else _log(number(row, "sigma_ele_needed_S_cm")))
    cells.append(decides(row) if wide else decides(row).partition(" (")[0])
    if wide:
        cells.append("" if bare else _known(row, "sigma_ion"))
        potential = number(row, "interface_potential_V")
        cells.append("unknown" if potential is None else f"{potential:.2f}")
    return cells


def _named(row: Row) -> str:
    """The coating, with the number of published sources that used it in a cell."""
    sources = number(row, "sources_in_cells")
    return f"{safe(row['coating'], 40)} ({sources:.0f})" if sources else safe(row["coating"], 40)


def percent(value: float | None) -> str:
    """A probability in per cent: two digits where it is small, never 0 or 100 by rounding."""
    if value is None:
        return "unknown"
    share = 100.0 * value
    if share == 0 or share == 100:
        return f"{share:.0f}"
    if share < 0.1:
        return "<0.1"
    if share > 99.9:
        return ">99.9"
    return f"{share:.1f}" if share < 10 else f"{share:.0f}"


def _known(row: Row, kind: str) -> str:
    """log10 of a conductivity with its deviation; of several layers the median of each."""
    layers = [k for k in range(1, MOST_LAYERS) if f"coating_{k}_{kind}_median_S_cm" in row]
    if layers:
        return "|".join(_of_one(row, f"coating_{k}_{kind}").partition("±")[0] for k in layers)
    return _of_one(row, kind)


def _of_one(row: Row, kind: str) -> str:
    median, decades = number(row, f"{kind}_median_S_cm"), number(row, f"{kind}_decades")
    if median is None or decades is None or median <= 0:
        return "unknown"
    return f"{math.log10(median):.1f}±{decades:.1f}" if decades > 0 else f"{math.log10(median):.1f}"


def _log(value: float | None) -> str:
    if value is None:
        return ""
    if math.isinf(value):
        return "any"
    return "none" if value <= 0 else f"<{math.log10(value):.1f}"


def decides(row: Row) -> str:
    """The question with the smallest probability, and the basis of that probability."""
    if row["coating"] == BARE:
        return "touches the cathode"
    if row.get("not_affordable") in (True, 1):
        return "not affordable"
    chances = {name: number(row, name) for name in QUESTIONS}
    known = {name: value for name, value in chances.items() if value is not None}
    least = min(known, key=lambda name: known[name])
    basis = row.get(
        {"p_protects": "sigma_ele_basis", "p_affordable": "sigma_ion_basis"}.get(least, "")
    )
    return f"{_SPOKEN[least]} ({basis})" if isinstance(basis, str) else _SPOKEN[least]


def _sentence(row: Row, width: int) -> list[str]:
    """Lines of text with the reason for the rank of a coating."""
    return textwrap.wrap(f"{row['rank']} {safe(row['coating'], 40)}: {reason(row)}", width,
                         subsequent_indent="    ")  # fmt: skip


def reason(row: Row) -> str:
    """One or two sentences on what decides, with its numbers."""
    if row["coating"] == BARE:
        return "the electrolyte touches the cathode; " + why(row)
    clauses = [f"{percent(number(row, 'p_works'))} %, {decides(row)} decides"]
    needed, thickness = number(row, "sigma_ele_needed_S_cm"), number(row, "coating_thickness_nm")
    if needed is not None and math.isfinite(needed) and needed > 0 and thickness is not None:
        clauses.append(
            f"at {nm(thickness)} it blocks electrons below 10^{math.log10(needed):.1f} S/cm; "
            f"its sigma_ele is put at 10^({_known(row, 'sigma_ele')}) "
            f"({row.get('sigma_ele_basis')})"
        )
    cost = number(row, "asr_median_ohm_cm2")
    if cost is not None:
        clauses.append(
            f"it costs {figure(cost, 'any')} ohm cm2 with sigma_ion at "
            f"10^({_known(row, 'sigma_ion')}) ({row.get('sigma_ion_basis')})"
        )
    return "; ".join(clauses)


def _legend(found: "Ranking", width: int, *, wide: bool) -> list[str]:
    sentences = [f"Order: {found.order}."]
    fixed = {k: v for k, v in found.scenario.items() if k != STATE}  # works holds in every state
    if fixed:
        pins = ", ".join(f"{name} {value}" for name, value in fixed.items())
        sentences.append(f"Compared at {pins}; name a column in --per or --where to open it.")
    sentences.append(
        "works: probability in per cent that all criteria hold in every state of charge, at "
        "thickness L (the thinnest within 0.005 of the best); * below 3 nm, where pinholes and "
        "tunnelling decide. chem: affordable, stable and inert; trans: protects and affordable. "
        "ohm: median ohm cm2."
        + (_LEGEND_OF_WIDE if wide or width >= NARROW else " --wide: further columns.")
    )
    if any(number(row, "sources_in_cells") for row in _records(found.rows)):
        sentences.append("(7) after a name: published sources in this library with it in a cell.")
    return [line for sentence in sentences for line in textwrap.wrap(sentence, width)]


def _references(found: "Ranking", everything: "pd.DataFrame | None", width: int) -> list[str]:
    """Ranks of the reference coatings and of the bare cell that the table does not show."""
    if everything is None or found.per:
        return []
    references = [name for manifest in found.results.manifests
             for name in manifest.spec.get("ranking", {}).get("reference", [])]  # fmt: skip
    coatings = set(found.rows["coating"])
    lines = []
    for row in _records(everything):
        if row["coating"] in {*references, BARE} - coatings:
            lines += _sentence(row, width)
    return (
        ["", f"Not among the first {len(found.rows)} of {len(everything)}:", *lines]
        if lines
        else []
    )
