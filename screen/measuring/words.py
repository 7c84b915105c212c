"""A measurement in words, and as a row of a table of materials."""

import csv
import io
from pathlib import Path
from typing import Any

from muli.candidates.files import write_atomically
from muli.screen.errors import UsageError
from muli.screen.inputs import check_output
from muli.screen.measuring.fit import Measured
from muli.screen.measuring.reading import Found
from muli.screen.measuring.resistance import GrowthMeasured


def sentences(found: Measured) -> list[str]:
    """The law with its numbers and their errors, what was noticed, and whether it was steady."""
    lines = [f"law: {found.law}"]
    for key, value in found.numbers.items():
        if key.endswith("_sd"):
            continue
        sd = found.numbers.get(f"{key}_sd")
        unit = "decades" if key.endswith("_S_cm") else ""
        lines.append(
            f"{key:<18} {value:.4g}"
            + (f"  (sd {sd:.2g} {unit})".replace(" )", ")") if sd is not None else "")
        )
    if found.curve:
        ends = found.curve[0], found.curve[-1]
        lines.append(
            "sigma_ele(E): "
            + " ... ".join(
                f"10^{point['log10_sigma_ele']:.2f} S/cm at {point['E_V']:.2f} V" for point in ends
            )
        )
    lines.append("steady" if found.steady else "not steady")
    return lines + [f"note: {note}" for note in found.notes]


def growth_sentences(found: GrowthMeasured) -> list[str]:
    """The numbers of an interphase with their errors, and what was noticed."""
    lines = ["R = R_0 + k sqrt(t)"]
    for key, value in found.numbers.items():
        if not key.endswith("_sd"):
            sd = found.numbers.get(f"{key}_sd")
            lines.append(f"{key:<24} {value:.4g}" + ("" if sd is None else f"  (sd {sd:.2g})"))
    lines.append("parabolic" if found.parabolic else "not parabolic")
    return lines + [f"note: {note}" for note in found.notes]


def row_of(found: Found, name: str, formula: str = "") -> dict[str, Any]:
    """Columns of a user's table: what `muli candidates validate` accepts."""
    row: dict[str, Any] = {"name": name, **({"formula": formula} if formula else {})}
    row["sigma_ele_temperature_K"] = found.temperature_K
    numbers, law = found.measured.numbers, found.measured.law
    if law == "constant":
        sigma, sd = numbers["sigma_ele_S_cm"], numbers.get("sigma_ele_S_cm_sd", 0.0)
        row["sigma_ele_S_cm"] = f"{sigma:.4g}"
        if sd > 0:
            row |= {"sigma_ele_S_cm_low": f"{sigma * 10 ** (-1.645 * sd):.4g}",
                    "sigma_ele_S_cm_high": f"{sigma * 10 ** (1.645 * sd):.4g}"}  # fmt: skip
    elif law == "branches":
        keys = ("sigma_0_S_cm", "sigma_n_S_cm", "E_n_V", "z_n", "sigma_p_S_cm", "E_p_V", "z_p")
        row |= {key: f"{numbers[key]:.6g}" for key in keys if key in numbers}
    return row | {"source": found.source}


def write_row(row: dict[str, Any], found: Measured, out: Path) -> None:
    """A table of one row, and its curve beside it. Refuses to overwrite."""
    curve = out.with_name(f"{out.stem}_curve.csv")
    for path in (out, curve):
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out {path}: exists already; give another name")
        check_output(path, "--out")
    if found.curve:
        lines = [f"{p['E_V']:.6g},{p['log10_sigma_ele']:.6g},{p['sd']:.3g}" for p in found.curve]
        text = "\n".join(["E_V,log10_sigma_ele,sd", *lines]) + "\n"
        write_atomically(curve, text.encode())
        row = row | {"sigma_ele_curve": curve.name}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([list(row), list(row.values())])
    # bytes of a name that are not UTF-8 are written as escape codes
    write_atomically(out, stream.getvalue().encode("utf-8", "backslashreplace"))
