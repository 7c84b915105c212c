"""A ranking as text: two or three lines per row, in a terminal of 80 columns or more.

The first line has the numbers under headings with units, the lines below it the reason and what
could be changed on the electrolyte's side. Unknown and infinite are words. Names come from
files of users: control characters, and those that reverse the direction of text, are made visible.
"""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muli.screen.terminal import visible
from muli.screen.views.why import THINNEST_NM, judgement, number, volt, why

if TYPE_CHECKING:
    import pandas as pd

    from muli.screen.ranking.rank import Ranking

MIN_WIDTH, MAX_WIDTH = 80, 120
MAX_GROUPS = 8
MAX_FRONT = 50
"""Rows of a Pareto front that are shown; it may have thousands."""
THICKEST_UM = 1e4
"""Larger thicknesses of an electrolyte are not written as a number."""
_INDENT = "     "
_SET_BY = {
    "resistance": "resist.",
    "coating_reduction": "coat.red.",
    "electrolyte_reduction": "SE red.",
}


@dataclass(frozen=True)
class Column:
    """One column of the first line, shown in terminals of `least` columns and more."""

    heading: str
    unit: str
    width: int
    source: str
    infinite: str = "no limit"
    right: bool = True
    least: int = 0


COLUMNS = (
    Column("coating", "", 13, "coating", right=False),
    Column("family", "", 8, "family", right=False, least=118),
    Column("L min", "nm", 7, "min_thickness_nm", "none"),
    Column("L max", "nm", 8, "max_thickness_nm"),
    Column("set by", "", 8, "max_thickness_set_by", right=False, least=118),
    Column("here", "nm", 5, "coating_thickness_nm"),
    Column("E*", "V", 7, "interface_potential_V"),
    Column("ox/red margin", "V", 13, "margins", least=100),
    Column("ASR", "ohm cm2", 7, "asr_coating_ohm_cm2"),
    Column("s_ele <", "S/cm", 7, "max_sigma_ele_at_L_max_S_cm", "any", least=100),
)


def render(ranking: "Ranking", width: int = MAX_WIDTH) -> str:
    """The whole table as text; the scenario and the order are below it."""
    width = max(MIN_WIDTH, min(width, MAX_WIDTH))
    frame = ranking.rows
    if frame.empty:
        return "no row fits"
    columns = [column for column in COLUMNS if width >= column.least]
    rows = frame.head(MAX_FRONT) if ranking.pareto else frame
    budget = ranking.results.manifests[0].spec["screen"]["asr_budget_ohm_cm2"]
    body = [*_body(rows, ranking.per, columns, width, budget), *_left_out(len(frame) - len(rows))]
    lines = [*_header(columns), *body, "", *_legend(ranking, width)]
    return "\n".join(line.rstrip() for line in lines)


def safe(text: object, width: int = 200) -> str:
    """`text` as one line, with control characters made visible."""
    line = visible(str(text)[: 2 * width]).replace("\n", "\\x0a")
    return line if len(line) <= width else line[: width - 1] + "…"


def figure(value: float | None, infinite: str = "no limit", digits: int = 3) -> str:
    """A number with three digits, `unknown`, or the word for infinity."""
    if value is None:
        return "unknown"
    if math.isinf(value):
        return infinite
    if value != 0 and (abs(value) >= 1e5 or abs(value) < 1e-2):
        return f"{value:.{digits - 2}e}"
    return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"


def cell(row: Mapping[str, Any], *, state: bool = True) -> str:
    """The electrolyte, the electrodes and the boundary a row stands for.

    state: whether to say which state of charge it is; a row may stand for all of them.
    """
    parts = [_named(row, "electrolyte", "electrolyte_thickness_um", "um")]
    cathode = number(row, "cathode_potential_V")
    charge = row.get("cathode_state") if state else None
    parts.append(
        " ".join(
            [safe(row.get("cathode") or "cathode", 40)]
            + ([str(charge)] if isinstance(charge, str) else [])
            + ([volt(cathode)] if cathode is not None else ["(potential unknown)"])
        )
    )
    parts.append(anode_side(row))
    return " | ".join([*parts, f"boundary {row.get('boundary', 'unknown')}"])


def anode_side(row: Mapping[str, Any]) -> str:
    """The potential at the electrolyte's anode side, what holds it there, and the anode."""
    anode = _named(row, "anode", "anode_potential_V", "V")
    kind = row.get("anode_boundary")
    if kind == "interphase":
        E, margin = number(row, "interface_potential_V"), number(row, "reduction_margin_V")
        if E is not None and margin is not None:
            return f"anode side {volt(E - margin)}, interphase; {anode}"
        return f"anode side held by an interphase; {anode}"
    potential = number(row, "anode_potential_V")
    if kind == "electrode" and potential is not None:
        return f"anode side {volt(potential)}, electrode; {anode}"
    return anode


def _named(row: Mapping[str, Any], name: str, quantity: str, unit: str) -> str:
    value = number(row, quantity)
    text = safe(row.get(name) or name, 40)
    return text if value is None else f"{text} {value:g} {unit}"


def _header(columns: Sequence[Column]) -> list[str]:
    first = "  # ".rjust(len(_INDENT)) + " ".join(_fit(c.heading, c) for c in columns) + " verdict"
    second = _INDENT + " ".join(_fit(c.unit, c) for c in columns)
    return [first, second, "-" * (len(first) + len(", near limit"))]


def _fit(text: str, column: Column) -> str:
    """`text` in the width of a column; wide characters take two cells."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) > column.width:
        text = set_cell_size(text, column.width - 1) + "…"
    gap = " " * (column.width - cell_len(text))
    return gap + text if column.right else text + gap


def _body(
    frame: "pd.DataFrame",
    per: tuple[str, ...],
    columns: Sequence[Column],
    width: int,
    budget: float,
) -> Iterator[str]:
    """All rows, with a heading for each group; of many groups the first, and a note of the rest."""
    rows = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    count, group = 0, None
    for row in rows:
        if per and group != (group := tuple(str(row[name]) for name in per)):
            count += 1
            if count > MAX_GROUPS:
                break
            yield from ("", _group_heading(row, per))
        yield from _row(row, columns, width, budget, whole_cell="electrolyte" not in per)
    groups = len(frame[list(per)].drop_duplicates()) if per else 0
    if groups > MAX_GROUPS:
        yield ""
        yield f"... and {groups - MAX_GROUPS} more groups: narrow with --where, or --csv for all"


def _left_out(rows: int) -> list[str]:
    return ["", f"... and {rows:,} more rows: narrow with --where, or --csv for all"] * (rows > 0)


def _group_heading(row: Mapping[str, Any], per: tuple[str, ...]) -> str:
    if "electrolyte" in per:
        return cell(row)
    return ", ".join(f"{name} {safe(row[name], 60)}" for name in per)


def _row(
    row: Mapping[str, Any],
    columns: Sequence[Column],
    width: int,
    budget: float,
    *,
    whole_cell: bool,
) -> Iterator[str]:
    rank = f"{row['rank']}{'=' if row['tied'] else ''}"
    cells = " ".join(_fit(_value(row, column), column) for column in columns)
    yield f"{rank:>4} {cells} {_verdict(row, budget)}"
    notes = [cell(row)] if whole_cell else []
    status = row.get("status")
    reason = why(row)
    notes.append(reason if status == "ok" else f"{str(status).replace('_', ' ')}: {reason}")
    evidence = row.get("evidence_sigma_ele")
    if isinstance(evidence, str) and evidence != "none":
        notes.append(f"sigma_ele {evidence}")
    notes += [*_levers(row), *_odds(row)]
    yield from textwrap.wrap(
        "; ".join(notes), width, initial_indent=_INDENT, subsequent_indent=_INDENT
    )


def _value(row: Mapping[str, Any], column: Column) -> str:
    value = row.get(column.source)
    if column.source == "margins":
        pair = [number(row, f"{side}_margin_V") for side in ("oxidation", "reduction")]
        if None in pair:
            return "unknown"
        return " / ".join(f"{v:+.2f}" for v in pair)
    if column.source == "max_thickness_set_by":
        return _SET_BY.get(str(value), "-")
    if column.source == "interface_potential_V":
        potential = number(row, column.source)
        return "unknown" if potential is None else f"{potential:.2f}"
    if not column.right:
        return safe(value, 80) if isinstance(value, str) else "unknown"
    quantity = number(row, column.source)
    if column.unit == "nm" and quantity is not None and 0 < quantity < THINNEST_NM:
        return f"<{THINNEST_NM:g}"
    return figure(quantity, column.infinite)


def _verdict(row: Mapping[str, Any], budget: float) -> str:
    """The verdict on the electrolyte, then the one on the coating itself."""
    first = judgement(row, budget)
    stability = str(row.get("coating_class", "unknown")).replace("within_tolerance", "near limit")
    return first if stability in ("stable", "unknown", "None") else f"{first}, {stability}"


def _levers(row: Mapping[str, Any]) -> list[str]:
    """Leak current and self-discharge, and the limits of the electrolyte's properties."""
    notes = []
    leak = number(row, "leak_current_A_cm2")
    if leak is not None:
        month = number(row, "self_discharge_percent_per_month")
        loss = "" if month is None else f" ({figure(month)} %/month)"
        notes.append(f"leak {figure(leak)} A/cm2{loss}")
    if number(row, "min_thickness_nm") is None:
        return notes
    thickest = number(row, "max_electrolyte_thickness_um")
    if thickest is not None:
        limit = (
            f"up to SE {figure(thickest)} um"
            if thickest < THICKEST_UM
            else "at any SE thickness up to 1 cm"
        )
        notes.append(f"works {limit}")
    least = number(row, "min_electrolyte_sigma_ele_S_cm")
    if least is not None:
        word = "no SE sigma_ele is enough" if math.isinf(least) else None
        notes.append(word or f"needs SE sigma_ele of {figure(least)} S/cm or more")
    return notes


def _odds(row: Mapping[str, Any]) -> Iterator[str]:
    """Probabilities and ranges of a row, if the screen sampled uncertain properties."""
    protects, whole = number(row, "p_protected"), number(row, "p_feasible")
    if protects is not None and whole is not None:
        yield f"protects with probability {protects:.2f}, feasible {whole:.2f}"
    least, most = (number(row, f"min_thickness_p{level}_nm") for level in (5, 95))
    if least is not None and most is not None:
        yield f"L min {figure(least, 'none')} to {figure(most, 'none')} nm (5 to 95 %)"
    stable = number(row, "top_k_share")
    if stable is not None:
        yield f"among the kept coatings in {stable:.0%} of the draws"
    kinds = ("gradient_share_", "sobol_total_")
    shares = [{k: v for k in row if k.startswith(kind) and (v := number(row, k)) is not None}
              for kind in kinds]  # fmt: skip
    if all(shares):
        most_of = [max(share.items(), key=lambda item: item[1]) for share in shares]
        texts = [f"{name.removeprefix(kind)} {value:.0%}"
                for kind, (name, value) in zip(kinds, most_of, strict=True)]  # fmt: skip
        yield f"of the uncertainty of L min by gradients {texts[0]}, by Sobol indices {texts[1]}"


def _legend(ranking: "Ranking", width: int) -> list[str]:
    sentences = [f"Order: {ranking.order}."]
    if ranking.rows["tied"].any():
        sentences.append(
            "= after a rank: tied, nothing in the order but the name tells them apart."
        )
    if ranking.scenario:
        pins = ", ".join(f"{name} {value}" for name, value in ranking.scenario.items())
        sentences.append(f"Compared at {pins}; name a column in --per or --where to open it.")
    sentences.append(
        "here: the thickness the other numbers are for (the thinnest feasible one, else the least "
        "bad). s_ele <: the largest sigma_ele that protects at the resistance-limited thickness. "
        "feasible holds for all states of the cathode. near limit: outside its computed window by "
        "less than its tolerance. SE: solid electrolyte."
    )
    return [line for sentence in sentences for line in textwrap.wrap(sentence, width)]
