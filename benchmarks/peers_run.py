"""The screen of `rows_run.spec` as one would write it by hand: NumPy, numba, a scipy loop.

The job of mode best: for every stack the potential E* and whether it is feasible; for every
coating in every scenario its smallest feasible thickness; how many stacks are feasible. Constant
laws at open circuit, in float64. Nothing is stored, no other column is computed: less than
`muli run` does.

The job of mode all: 21 of its 56 columns computed with NumPy in float32 and written with pyarrow.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import constants, integrate, optimize

ROOM_TEMPERATURE = 298.15
BOLTZMANN_EV = constants.k / constants.e


class Job(NamedTuple):
    """lines: (n, 9) E_a, E_c, SE window (2), the coating's reduction limit, its sigma_ion, its
    resistivity and the SE's (ohm cm), SE thickness (cm). thickness: of coatings, cm. budget: ohm
    cm2."""

    lines: np.ndarray
    thickness: np.ndarray
    budget: float


def job(problem: object, lines: int) -> Job:
    """The first lines of a problem with constant laws and one electrolyte."""
    tables, space = problem.tables, problem.space
    rows = []
    for number in range(lines):
        at = space.line_digits(number)

        def value(role: str, name: str, at: dict = at) -> float:
            key = f"{role}.{name}"
            return float(tables[key][at[key] if key in at else at[role]])

        red, ox = (value("electrolyte", f"{side}_limit_V") for side in ("reduction", "oxidation"))
        E_a = max(float(tables["anode_potential_V"][at["anode"]]), red)
        E_c = float(tables["cathode_potential_V"][at["cathode_potential_V"], 0])
        ions = {}
        for role in ("coating", "electrolyte"):
            measured = [
                value(role, f"sigma_ion_{name}")
                for name in ("S_cm", "activation_eV", "temperature_K")
            ]
            ions[role] = at_room_temperature(*measured)
        ion, ele = ions["coating"], value("coating", "sigma_ele_S_cm")
        se = 1 / ions["electrolyte"] + 1 / value("electrolyte", "sigma_ele_S_cm")
        length = float(tables["electrolyte_thickness_um"][at["electrolyte_thickness_um"]]) * 1e-4
        own = value("coating", "reduction_limit_V")
        rows.append((E_a, E_c, red, ox, own, ion, 1 / ion + 1 / ele, se, length))
    thickness = tables["coating_thickness_nm"] * 1e-7
    return Job(np.array(rows), thickness, problem.spec.screen.asr_budget_ohm_cm2)


def at_room_temperature(sigma_ion: float, activation_eV: float, measured_K: float) -> float:
    """sigma_ion (S/cm) at 298.15 K: sigma*T follows Arrhenius."""
    if measured_K == ROOM_TEMPERATURE:
        return sigma_ion
    change = activation_eV / BOLTZMANN_EV * (1 / ROOM_TEMPERATURE - 1 / measured_K)
    return sigma_ion * measured_K / ROOM_TEMPERATURE * math.exp(-change)


def numpy_best(given: Job) -> tuple[int, np.ndarray]:
    """Feasible stacks, and the smallest feasible thickness of every line (NaN: none)."""
    L, feasible, best = given.thickness, 0, []
    for block in np.array_split(given.lines, max(1, len(given.lines) // 1024)):
        E_a, E_c, red, ox, own, ion, coating, se, length = (c[:, None] for c in block.T)
        E = E_a + (E_c - E_a) * (length * se) / (length * se + L * coating)
        at = length * se / coating
        smallest = np.where(E_c > ox, at * (E_c - ox) / (ox - E_a), 0.0)
        with np.errstate(divide="ignore"):
            ends = [np.where(w > E_a, at * (E_c - w) / (w - E_a), np.inf) for w in (own, red)]
        largest = np.minimum(given.budget * ion, np.minimum(*ends))
        fits = (red <= E) & (ox >= E) & (smallest <= largest) & (L / ion <= given.budget)
        feasible += int(np.count_nonzero(fits))
        best.append(np.where(fits.any(axis=1), L[fits.argmax(axis=1)], np.nan))
    return feasible, np.concatenate(best)


@numba.njit(parallel=True, cache=False)
def _numba_best(lines, L, budget):
    best = np.full(len(lines), np.nan)
    counts = np.zeros(len(lines), np.int64)
    for i in numba.prange(len(lines)):
        E_a, E_c, red, ox, own, ion, coating, se, length = lines[i]
        at = length * se / coating
        smallest = at * (E_c - ox) / (ox - E_a) if E_c > ox else 0.0
        largest = budget * ion
        for w in (own, red):
            if w > E_a:
                largest = min(largest, at * (E_c - w) / (w - E_a))
        for k in range(len(L)):
            E = E_a + (E_c - E_a) * (length * se) / (length * se + L[k] * coating)
            if red <= E and ox >= E and smallest <= largest and L[k] / ion <= budget:
                counts[i] += 1
                if np.isnan(best[i]):
                    best[i] = L[k]
    return counts.sum(), best


def numba_best(given: Job) -> tuple[int, np.ndarray]:
    """As `numpy_best`, compiled, on all cores."""
    count, best = _numba_best(given.lines, given.thickness, given.budget)
    return int(count), best


def numpy_all(given: Job, coatings: list[str], path: Path) -> int:
    """Write every stack of lines whose coatings take turns; how many are feasible."""
    feasible, writer, done = 0, None, 0
    for block in np.array_split(given.lines, max(1, len(given.lines) // 1024)):
        turn = (done + np.arange(len(block))) % len(coatings)
        table = _rows(block, given, turn.astype(np.int8), coatings)
        writer = writer or _writer(path, table.schema)
        writer.write_table(table, row_group_size=len(table))
        feasible += table["feasible"].chunk(0).true_count
        done += len(block)
    writer.close()
    return feasible


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    return pq.ParquetWriter(
        path, schema, compression="lz4", use_dictionary=["coating"], use_byte_stream_split=floats
    )


def _rows(block: np.ndarray, given: Job, turn: np.ndarray, coatings: list[str]) -> pa.Table:
    L = given.thickness.astype(np.float32)
    E_a, E_c, red, ox, own, ion, coating, se, length = block.astype(np.float32).T[:, :, None]
    total = length * se + L * coating
    E = E_a + (E_c - E_a) * (length * se) / total
    at = length * se / coating
    smallest = np.where(E_c > ox, at * (E_c - ox) / (ox - E_a), np.float32(0))
    with np.errstate(divide="ignore"):
        ends = [np.where(w > E_a, at * (E_c - w) / (w - E_a), np.inf) for w in (own, red)]
    largest = np.minimum(given.budget * ion, np.minimum(*ends))
    protected = (red <= E) & (ox >= E)
    fits = protected & (smallest <= largest) & (L / ion <= given.budget)
    numbers = {
        "coating_thickness_nm": L * 1e7,
        "electrolyte_thickness_um": length * 1e4,
        "anode_potential_V": E_a,
        "cathode_potential_V": E_c,
        "coating_sigma_ion_S_cm": ion,
        "interface_potential_V": E,
        "oxidation_margin_V": ox - E,
        "reduction_margin_V": E - red,
        "anode_side_margin_V": E_a - red,
        "coating_reduction_margin_V": E - own,
        "min_thickness_nm": smallest * 1e7,
        "max_thickness_nm": largest * 1e7,
        "max_electrolyte_thickness_um": L * coating / se * (ox - E_a) / (E_c - ox) * 1e4,
        "leak_current_A_cm2": (E_c - E_a) / total,
        "asr_coating_ohm_cm2": L / ion,
        "transport_ratio": at,
    }
    shape = len(block), len(L)
    flat = {name: np.broadcast_to(each, shape).reshape(-1) for name, each in numbers.items()}
    codes = pa.array(np.repeat(turn, len(L)))
    words = {"coating": pa.DictionaryArray.from_arrays(codes, coatings)}
    verdicts = {"oxidation_protected": ox >= E, "protected": protected, "feasible": fits}
    ids = {"row_id": np.arange(len(block) * len(L))}
    singles = {name: each.astype(np.float32, copy=False) for name, each in flat.items()}
    return pa.table({**ids, **words, **singles, **{k: v.reshape(-1) for k, v in verdicts.items()}})


def scipy_potential(line: np.ndarray, L: float) -> float:
    """E* of one stack: quadrature of both layers and a bracketed root, with no formula used."""
    E_a, E_c, *_, coating, se, length = line

    def flow(E: float) -> float:
        left = integrate.quad(lambda _: 1 / se, E_a, E)[0] / length
        return left - integrate.quad(lambda _: 1 / coating, E, E_c)[0] / L

    return E_a if math.isclose(E_a, E_c) else optimize.brentq(flow, E_a, E_c, xtol=1e-12)
