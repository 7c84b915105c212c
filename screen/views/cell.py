"""A cell of the user in words: first the answer, then numbers, assumptions and the spec."""

import html
import math
import textwrap
from collections.abc import Iterator
from typing import Any

from muli.screen.solving.cell import CellAnswer
from muli.screen.solving.cell_growth import SIDES, TIMES_S, Growth
from muli.screen.spec.written import as_toml
from muli.screen.views.age import length
from muli.screen.views.table import cell, figure
from muli.screen.views.why import SET_BY, nm, number, volt
from muli.screen.views.works import QUESTIONS, decides, percent

Row = dict[str, Any]
NUMBERS = (
    ("interface_potential_V", "potential of the electrolyte at the coating (V)"),
    ("margin_V", "inside its window by (V)"),
    ("anode_side_V", "potential at its anode side (V)"),
    ("min_thickness_nm", "least thickness that protects (nm)"),
    ("max_thickness_nm", "largest thickness allowed (nm)"),
    ("max_sigma_ele_S_cm", "largest sigma_ele that protects here (S/cm)"),
    ("coating_sigma_ele_S_cm", "sigma_ele of the coating, used (S/cm)"),
    ("coating_sigma_ion_S_cm", "sigma_ion of the coating, used (S/cm)"),
    ("electrolyte_sigma_ele_S_cm", "sigma_ele of the electrolyte, used (S/cm)"),
    ("electrolyte_sigma_ion_S_cm", "sigma_ion of the electrolyte, used (S/cm)"),
    ("asr_coating_ohm_cm2", "resistance of the coating (ohm cm2)"),
    ("asr_total_ohm_cm2", "with the electrolyte (ohm cm2)"),
    ("leak_current_A_cm2", "leak current (A/cm2)"),
    ("self_discharge_percent_per_month", "self-discharge (% a month)"),
    ("terminal_voltage_V", "terminal voltage (V)"),
    ("recommended_thickness_nm", "thickness recommended by probability (nm)"),
)
"""Rows of the table; unknown ones are left out."""
INFINITE = {"min_thickness_nm": "none", "max_sigma_ele_S_cm": "any"}


def cell_text(answer: CellAnswer, width: int = 100) -> str:
    """The whole answer: sentences, numbers, assumptions, spec."""
    parts = [short_text(answer, width), numbers(answer)]
    assumed = "\n".join(
        _wrapped((f"- {assumption}" for assumption in answer.assumptions), width, "  ")
    )
    spec = as_toml(answer.entry.as_spec()).rstrip()
    parts += [f"What this rests on:\n{assumed}", f"The same as a spec:\n\n{spec}"]
    return "\n\n".join(parts)


def short_text(answer: CellAnswer, width: int = 100) -> str:
    """The heading and the sentences."""
    blocks = [[heading(answer)], sentences(answer)]
    return "\n\n".join("\n".join(_wrapped(lines, width)) for lines in blocks)


def cell_html(answer: CellAnswer) -> str:
    """The whole answer as a block of HTML: sentences, and the numbers as a table."""
    paragraphs = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences(answer))
    rows = "".join(
        f"<tr><td>{html.escape(label)}</td><td>{html.escape(value)}</td></tr>"
        for label, value in _numbers(answer)
    )
    assumed = "".join(f"<li>{html.escape(assumption)}</li>" for assumption in answer.assumptions)
    return (
        f"<div><b>{html.escape(heading(answer))}</b>{paragraphs}<table>{rows}</table>"
        f"<details><summary>What this rests on</summary><ul>{assumed}</ul></details></div>"
    )


def heading(answer: CellAnswer) -> str:
    """Coating, electrolyte, electrodes, boundary, temperature and current in one line."""
    entry = answer.entry
    coating = (
        f"{entry.coating} {entry.coating_thickness_nm:g} nm"
        if entry.coating is not None
        else "no coating"
    )
    current = entry.current_density_mA_cm2
    flows = f"{current:+g} mA/cm2" if current else "open circuit"
    ends = cell({**answer.row, **_side(answer)})
    return f"{coating} | {ends} | {entry.temperature_K - 273.15:g} C, {flows}"


def _side(answer: CellAnswer) -> Row:
    """Columns that give the potential at the anode side even if E* is unknown."""
    return {"interface_potential_V": answer.named.anode_side_V, "reduction_margin_V": 0.0}


def sentences(answer: CellAnswer) -> list[str]:
    """Verdict, margin, thickness that protects, resistance, probability, and ageing."""
    texts = [_protected(answer), _other_state(answer), _thickness(answer), _cost(answer)]
    texts.append(_own_window(answer))
    texts += [_chance(answer.row, bare=answer.entry.coating is None), *_ages(answer)]
    return [text for text in texts if text]


def numbers(answer: CellAnswer) -> str:
    """The known numbers, one per line."""
    rows = _numbers(answer)
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:{width}}  {value}" for label, value in rows)


def _numbers(answer: CellAnswer) -> list[tuple[str, str]]:
    contents = answer.contents
    labelled = [(name, label, number(contents, name)) for name, label in NUMBERS]
    rows = [
        (label, figure(value, INFINITE.get(name, "no limit")))
        for name, label, value in labelled
        if value is not None
    ]
    if answer.growth is None:
        return rows
    columns = answer.growth.columns
    for label in TIMES_S:
        for side, (name, _, final) in SIDES.items():
            value = columns.get(f"{name}_at_{label}")
            if value is not None and columns[final] != 0:
                rows.append((f"{side} interphase after {_spoken(label)}", length(value)))
        cost = figure(columns[f"asr_interphase_ohm_cm2_at_{label}"])
        rows.append((f"resistance of interphases after {_spoken(label)} (ohm cm2)", cost))
    return rows


def _protected(answer: CellAnswer) -> str:
    """The verdict, the margin, and the potential of the electrolyte."""
    row, name = answer.row, answer.entry.electrolyte
    E, margin = number(row, "interface_potential_V"), answer.margin_V
    if row["protected"] is None or E is None or margin is None:
        return f"Not known whether {name} is protected: {_unknown(answer)}."
    low, high = E - row["reduction_margin_V"], E + row["oxidation_margin_V"]
    position = (
        f"{name} is at {volt(E)} where it meets {answer.entry.coating or 'the cathode'}; its "
        f"window is {volt(low)} to {volt(high)}."
    )
    if row["protected"]:
        return f"Protected, by {volt(margin)}: {position}"
    side = "oxidises" if row["oxidation_margin_V"] < row["reduction_margin_V"] else "is reduced"
    return f"Not protected: it {side}, {volt(-margin)} outside its window. {position}"


def _unknown(answer: CellAnswer) -> str:
    """What is unknown, and which value would decide."""
    if not answer.named.missing:
        return f"status {answer.row['status']}"
    text = f"{', '.join(answer.named.missing)} unknown"
    needed = number(answer.row, "max_sigma_ele_S_cm")
    if needed is not None and math.isfinite(needed) and answer.entry.coating:
        text += f"; below {needed:.2g} S/cm the coating protects at this thickness"
    return text


def _other_state(answer: CellAnswer) -> str:
    """The verdict in the other state of charge, if it differs."""
    others = [row for row in answer.states if row is not answer.row]
    if not others or others[0]["protected"] == answer.row["protected"]:
        return ""
    other, words = others[0], {True: "protected", False: "not protected", None: "not known"}
    E = number(other, "interface_potential_V")
    at = f" ({volt(E)})" if E is not None else ""
    return f"With the cathode {other['cathode_state']} it is {words[other['protected']]}{at}."


def _thickness(answer: CellAnswer) -> str:
    """Which thicknesses protect, and which the budget and the limits allow."""
    row = answer.row
    least, most = number(row, "min_thickness_nm"), number(row, "max_thickness_nm")
    if answer.entry.coating is None or least is None:
        return ""
    if math.isinf(least):
        return "No thickness of this coating protects it."
    needed = "Any thickness protects" if least == 0 else f"{nm(least)} or more protect"
    if most is None:
        return f"{needed}."
    if math.isinf(most):
        return f"{needed}; nothing limits the thickness."
    cause = SET_BY.get(str(row["max_thickness_set_by"]), "its constraints allow")
    limit = f"{cause} {nm(most)}"
    return f"{needed}, but {limit}: no thickness does both." if least > most else (
        f"{needed}; {limit} at most."
    )  # fmt: skip


def _own_window(answer: CellAnswer) -> str:
    """The potentials at which the coating is outside its computed window by more than tolerated."""
    row, name = answer.row, answer.entry.coating
    kind, E, E_c = row["coating_class"], row["interface_potential_V"], row["cathode_potential_V"]
    over, under = row["coating_oxidation_margin_V"], row["coating_reduction_margin_V"]
    texts = []
    if kind in ("oxidises", "both") and None not in (over, E_c):
        texts.append(f"oxidises at {volt(E_c + over)}, below the cathode's {volt(E_c)}")
    if kind in ("reduces", "both") and None not in (under, E):
        texts.append(f"is reduced at {volt(E - under)}, above {volt(E)}")
    if not texts:
        return ""
    lasts = percent(number(row, "p_stable"))
    return (
        f"By its computed window {name} {' and '.join(texts)}. Coatings last some way beyond their "
        f"computed limits: the probability that it stands the cathode is {lasts} %."
    )


def _cost(answer: CellAnswer) -> str:
    row, budget = answer.row, answer.entry.asr_budget_ohm_cm2
    if answer.entry.coating is None:
        return ""
    exact, median = number(row, "asr_coating_ohm_cm2"), number(row, "asr_median_ohm_cm2")
    budget_text = f"of the {budget:g} ohm cm2 allowed"
    if exact is not None:
        return f"It costs {figure(exact)} {budget_text}."
    if median is None:
        return ""
    return (
        f"It costs {figure(median)} {budget_text} if its sigma_ion, never measured, is the median."
    )


def _chance(row: Row, *, bare: bool) -> str:
    """The probability, its factors, and the one that decides."""
    spoken = {name: name.removeprefix("p_") for name in QUESTIONS}
    parts = ", ".join(f"{spoken[name]} {percent(number(row, name))}" for name in QUESTIONS)
    share = percent(number(row, "p_works"))
    why = "the electrolyte touches the cathode" if bare else f"{decides(row)} decides"
    return f"How sure: {share} % that it works in every state of charge ({parts}); {why}."


def _ages(answer: CellAnswer) -> Iterator[str]:
    """What grows on each side."""
    growth = answer.growth
    if growth is None:
        yield "How it ages is not known: a conductivity or a limit is unknown."
        return
    for side, (name, _, final) in SIDES.items():
        if final not in growth.columns:
            continue
        end = growth.columns[final]
        if math.isnan(end):
            yield f"Ageing, {side} side: no answer ({growth.rows['status']})."
        elif end == 0:
            yield f"Ageing, {side} side: nothing grows."
        else:
            yield f"Ageing, {side} side: an interphase grows, {_sizes(growth, name, end)}."
    cost = growth.columns["asr_interphase_ohm_cm2_at_1_year"]
    if cost > 0:
        yield f"After 1 year the interphases have {figure(cost)} ohm cm2."


def _sizes(growth: Growth, name: str, end: float) -> str:
    """Thicknesses at the times of `TIMES_S`, and the final thickness."""
    at = {label: growth.columns[f"{name}_at_{label}"] for label in TIMES_S}
    first = next(iter(at))
    if at[first] > 0.99 * end:
        return f"to {_about(end)} within {_spoken(first)}, and ends there"
    sizes = [f"{_about(value)} after {_spoken(label)}" for label, value in at.items()]
    last = "without end" if math.isinf(end) else f"to {_about(end)} at last"
    return f"{', '.join(sizes)}, {last}"


def _about(nm: float) -> str:
    """A thickness with two digits: properties of interphases are not known more precisely."""
    return length(float(f"{nm:.2g}"))


def _spoken(label: str) -> str:
    return label.replace("_", " ")


def _wrapped(lines: Any, width: int, indent: str = "") -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(line, width, subsequent_indent=indent)
