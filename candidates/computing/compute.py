"""From a table of computed energies to a table of screenable coatings.

There are two passes: the first finds which compounds lie on the hull, the second computes one row
per coating. Finished chunks stay beside the output, so that the same command continues after it was
killed. The chunks depend on the inputs alone; the output is the same for any number of workers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import numpy as np

from muli.candidates.computing.checkpoint import Checkpoint
from muli.candidates.computing.computed_file import about, write
from muli.candidates.computing.workers import Progress, in_chunks
from muli.candidates.formula import Composition, FormulaError, parse, reduced_formula
from muli.candidates.importers import Gap
from muli.candidates.schema import NUMERIC
from muli.candidates.thermodynamics import (
    PARTNERS,
    Energies,
    Infeasible,
    Partner,
    Prepared,
    assess,
    decomposition_energy,
    prepare,
)
from muli.candidates.thermodynamics.assess import Row
from muli.candidates.thermodynamics.hull import ON_HULL
from muli.candidates.thermodynamics.program import Floats

VERSION = "2"
"""Version of the numbers: raised whenever the method or a convention changes them."""

HULL_CHUNK = 256
ROW_CHUNK = 8
"""Items of a part that is kept: about a fifth of a second of one core, so that a computation that
is stopped again and again still makes progress."""

LITHIUM_FREE_HULL = 0.05
"""eV/atom; lithium-free oxides and halides above this are not made as coatings."""

NAMED = {
    "LATP": "Li1.3Al0.3Ti1.7(PO4)3",
    "LAGP": "Li1.5Al0.5Ge1.5(PO4)3",
    "LLTO": "Li5La9(TiO3)16",
    "LISICON": "Li3.5Zn0.25GeO4",
    "thio-LISICON": "Li3.25Ge0.25P0.75S4",
    "Li7P2S8I": "Li7P2S8I",
    "AlPO4": "AlPO4",
}
"""Solid solutions and lithium-free phosphates judged beside the compounds of the table."""


@dataclass(frozen=True)
class Computed:
    """Result of a run: rows written, compounds with a reason instead of numbers, seconds."""

    rows: int
    failed: dict[str, str]
    seconds: float


def compute(
    energies: Energies,
    out: Path,
    *,
    gaps: Mapping[str, Gap] | None = None,
    workers: int = 2,
    partners: Sequence[Partner] = PARTNERS,
    progress: Progress = lambda label, done, total: None,
    restart: bool = False,
) -> Computed:
    """Judge every lithium compound of a table (and lithium-free coatings) and write the rows.

    Args:
        energies: formation energies, e.g. `importers.read_energies(path).energies`.
        out: .csv or .csv.gz; a JSON beside it tells source, conventions and partners.
        gaps: band gaps, eV, by reduced formula (`importers.read_gaps`).
        workers: processes; the result does not depend on them.
        partners: cathodes and electrolytes to react with.
        progress: called with the pass ("hull", "rows"), items done, items in all.
        restart: begin anew where finished parts of other inputs lie beside `out`.

    Raises ResumeRefused where parts beside `out` come from other inputs. A compound that cannot
    be computed keeps its row, with the reason in `computed_status`.
    """
    start = perf_counter()
    key = _key(energies, partners)
    with Checkpoint(out.with_name(f"{out.name}.parts"), key, restart) as kept:
        everyone = range(len(energies.formulas))
        depths = np.array(
            in_chunks("hull", _depths, energies, everyone, HULL_CHUNK, kept, workers, progress),
            float,
        )
        stable = energies.subset(depths <= ON_HULL)
        table = Table(energies, stable, prepare(energies, partners))
        names = coatings(energies, depths)
        rows = in_chunks("rows", _rows, table, names, ROW_CHUNK, kept, workers, progress)
        _add_gaps(rows, gaps or {})
        write(out, rows, about(energies, table.partners, key))
        kept.discard()
    failed = {row["name"]: row["computed_status"] for row in rows if row["computed_status"] != "ok"}
    return Computed(len(rows), failed, perf_counter() - start)


@dataclass(frozen=True)
class Table:
    """What every row is computed from."""

    energies: Energies
    stable: Energies
    partners: tuple[Prepared, ...]


def coatings(energies: Energies, depths: Floats) -> list[tuple[str, str]]:
    """(name, formula) of the compounds to judge, by name.

    All with lithium; binary oxides and halides without it that lie on the hull or near it; and
    those of `NAMED` whose elements the table knows.
    """
    chosen = {}
    for formula, depth in zip(energies.formulas, depths, strict=True):
        composition = parse(formula)
        if len(composition) > 1 and ("Li" in composition or _binary(composition, depth)):
            chosen[formula] = formula
    for name, written in NAMED.items():
        if parse(written).keys() <= energies.elements:
            chosen[name] = reduced_formula(written)
    return sorted(chosen.items())


def _binary(composition: Composition, depth: float) -> bool:
    anions = composition.keys() & {"O", "F", "Cl", "Br", "I"}
    return len(composition) == 2 and len(anions) == 1 and depth <= LITHIUM_FREE_HULL


def _depths(energies: Energies, rows: Sequence[int]) -> list[float]:
    return [_depth(energies, energies.formulas[row]) for row in rows]


def _depth(energies: Energies, formula: str) -> float:
    try:
        return decomposition_energy(energies, formula)
    except Infeasible:
        return float("nan")


def _rows(table: Table, names: Sequence[tuple[str, str]]) -> list[Row]:
    return [_one_row(table, name, formula) for name, formula in names]


def _one_row(table: Table, name: str, formula: str) -> Row:
    source = table.energies.provenance.get("source", "")
    try:
        row = assess(formula, table.energies, table.partners, table.stable)
    except (FormulaError, Infeasible) as error:
        return {"name": name, "formula": formula, "role": "coating", "computed_status": str(error)}
    status = _within(row)
    return {**row, "name": name, "window_source": source, "computed_status": status}


def _within(row: Row) -> str:
    """Replace numbers outside the range of their column by None; "ok", or the reasons."""
    reasons = [] if row["computed_status"] == "ok" else [str(row["computed_status"])]
    for name, column in NUMERIC.items():
        value = row.get(name)
        if isinstance(value, float) and not column.low <= round(value, 6) <= column.high:
            row[name] = None
            reasons.append(
                f"{name} left blank: {value:.4g} {column.unit} lies outside {column.low:g} to "
                f"{column.high:g}"
            )
    return "; ".join(reasons) or "ok"


def _add_gaps(rows: Sequence[Row], gaps: Mapping[str, Gap]) -> None:
    for row in rows:
        gap = gaps.get(str(row["formula"]))
        row["band_gap_eV"] = gap.median if gap else None
        row["band_gap_eV_low"] = gap.low if gap else None
        row["band_gap_eV_high"] = gap.high if gap else None


def _key(energies: Energies, partners: Sequence[Partner]) -> dict[str, str]:
    """What the numbers depend on."""
    digest = sha256("\n".join(energies.formulas).encode())
    digest.update(np.ascontiguousarray(energies.formation_energy).tobytes())
    return {
        "method": VERSION,
        "energies_sha256": digest.hexdigest(),
        "partners": ", ".join(f"{p.name}={p.formula}/{p.delithiated}" for p in partners),
        "source": energies.provenance.get("source", ""),
        "left_out": ", ".join(energies.left_out),
    }
