"""The page of `muli age`: thickness and resistance of the interphases of every cell against time.

write_aged(cells, answers, notes, "cell.toml", command, "aged.html")
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from muli.candidates.files import write_atomically
from muli.kernels.constants import CM_PER_NM, MONOLAYER_CM
from muli.screen.report import page
from muli.screen.report import ranking_charts as charts
from muli.screen.report.ageing_figures import chart
from muli.screen.report.columns import plain
from muli.screen.report.words import plain_line
from muli.screen.solving.age_file import AgeEntry
from muli.screen.views.age import ASR, SIDES, duration, sentence
from muli.screen.views.table import figure

MOST_DRAWN = 8
"""Cells in a picture; all of them are in the table."""
NO_POINTS = pd.DataFrame({"which": [], "hours": [], "value": [], "source": []})
Answers = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Line:
    """One cell in words. rows: time, thickness on each side, resistance and its band."""

    name: str
    status: str
    told: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Facts:
    """Everything the template writes."""

    title: str
    version: str
    sentences: list[tuple[str, str]]
    notes: list[str]
    lines: list[Line]
    command: str
    given: str


def write_aged(
    cells: Sequence[AgeEntry],
    answers: Answers,
    notes: Sequence[str],
    file: Path,
    command: str,
    out: Path,
) -> None:
    """Write the page. answers: as `muli age --json` prints them; command: the one that makes it."""
    named = [cell.name or f"cell {number}" for number, cell in enumerate(cells)]
    facts = Facts(
        plain(file.stem),
        metadata.version("muli"),
        _sentences(answers),
        [plain(note) for note in notes],
        [_line(*cell_data) for cell_data in zip(named, cells, answers, strict=True)],
        plain_line(command),
        file.read_text(encoding="utf-8", errors="replace"),
    )
    pictures = list(_pictures(named, cells, answers))
    text = page.render(facts, pictures, {}, "aged.html")
    write_atomically(out, text.encode("utf-8", "replace"))


def _sentences(answers: Answers) -> list[tuple[str, str]]:
    finals = [answer.get("final_nm", float("nan")) for answer in answers]
    protected = sum(final == 0 for final in finals)
    question = f"How interphases grow in {len(answers):,} cells."
    answered = f"In {protected:,} of them nothing grows on the cathode side."
    return [("Asked", question), ("Answered", answered)]


def _line(name: str, cell: AgeEntry, answer: Mapping[str, Any]) -> Line:
    """A cell in words."""
    sentences = [sentence(side, answer[final]) for key, final, side in SIDES if key in answer]
    if "unprotected_share" in answer:
        share = f"{100 * answer['unprotected_share']:.3g} % of the interface is held at the limit"
        sentences.append(f"covered share {answer['coverage']:g}: {share}")
    rows = [_row(cell, answer, place) for place in range(len(cell.times_s))]
    return Line(plain(name), str(answer["status"]).replace("_", " "), sentences, rows)


def _row(cell: AgeEntry, answer: Mapping[str, Any], place: int) -> list[str]:
    keys = [key for key, _, _ in SIDES] + [ASR, f"{ASR}_low", f"{ASR}_high"]
    numbers = [figure(float(answer[key][place])) if key in answer else "–" for key in keys]
    return [duration(cell.times_s[place]), *numbers]


def _pictures(
    named: Sequence[str], cells: Sequence[AgeEntry], answers: Answers
) -> Iterator[page.Picture]:
    """Thickness of every side and resistance of both, against time."""
    anode, cathode = "anode_interphase_nm", "interphase_nm"
    sides = {cathode: "", anode: ", anode"}
    for quantity, title, unit, keys, least in (
        ("thickness", "How thick the interphases become", "nm", sides, MONOLAYER_CM / CM_PER_NM),
        ("resistance", "What growth adds to the resistance", "ohm cm²", {ASR: ""}, 0.0),
    ):
        bands = _bands(named, cells, answers, keys, least)
        if bands.empty:
            continue
        drawn = f" The first {MOST_DRAWN} of {len(cells)} cells." if len(cells) > MOST_DRAWN else ""
        yield page.Picture(
            quantity,
            "body",
            title,
            f"A line chart of {quantity} in {unit} against time in hours, both logarithmic.",
            f"Both axes are logarithmic; what is thinner than a layer of atoms is not drawn. "
            f"A band is 5 to 95 % of what is known, where the cells come from a spec.{drawn}",
            charts.specification(chart(bands, NO_POINTS, unit)),
        )


def _bands(
    named: Sequence[str],
    cells: Sequence[AgeEntry],
    answers: Answers,
    keys: Mapping[str, str],
    least: float,
) -> pd.DataFrame:
    """Curves as a table: which, hours, low, middle, high; points above the least value."""
    rows = []
    for name, cell, answer in list(zip(named, cells, answers, strict=True))[:MOST_DRAWN]:
        for key, side in keys.items():
            middle = answer.get(key, [])
            low, high = (answer.get(f"{key}_{end}", middle) for end in ("low", "high"))
            rows += [
                {"which": plain(name) + side, "hours": t / 3600.0, "low": a, "middle": b, "high": c}
                for t, a, b, c in zip(cell.times_s, low, middle, high, strict=False)
                if t > 0 and b > least
            ]
    return pd.DataFrame(rows)
