"""The conductivity of a layer at a temperature: one rule for runs, designs, maps and stacks.

- A number typed in a spec or a stack holds at the temperature of the row. Where its measuring
  temperature is stated beside it (`"coating.sigma_ion_temperature_K"`), it is a measured value.
- A measured value with an activation energy follows Arrhenius from its own temperature (298.15 K
  where none is stated): sigma_ion*T, and sigma_ele itself.
- A measured sigma_ion without one holds within 30 K of its own temperature and is unknown beyond.
- A measured sigma_ele without one is held constant; a note names it where that is over 10 K away.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muli.kernels import arrhenius_factor, arrhenius_sigma_ion
from muli.kernels.constants import ROOM_TEMPERATURE
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.space import curves

Kind = Literal["sigma_ion", "sigma_ele"]
Number = Any
"""A float or an array, NumPy's or the device's; all numbers of one call broadcast together."""

HELD_WITHIN_K = 30.0
"""K; how far from its own temperature a sigma_ion without activation energy is used."""

AS_MEASURED_WITHIN_K = 10.0
"""K; a value measured this close to a temperature is taken as measured at it."""

PARTS = {
    "sigma_ion": ("sigma_ion_S_cm",),
    "sigma_ele": ("sigma_ele_S_cm", "sigma_0_S_cm", "sigma_n_S_cm", "sigma_p_S_cm"),
}
"""Columns of a material that one activation energy scales."""


SHORTEST_ROW = 1024
"""Least length of the arrays that are computed together."""


class Measured(NamedTuple):
    """A conductivity and what is known of its measurement; NaN where unknown.

    sigma: S/cm. activation: eV. measured_at: K. typed: whether it holds at the row's temperature.
    """

    sigma: Number
    activation: Number
    measured_at: Number
    typed: Number = False


def used(kind: Kind, measured: Measured, temperature: Number) -> Number:
    """The conductivity (S/cm) at a temperature (K) by the rule above; NaN where unknown.

    Traceable and differentiable; in the precision of its inputs.
    """
    sigma, activation, own, typed = measured
    unknown = jnp.isnan(activation)
    E_act = jnp.where(unknown, 0.0, activation)
    T_ref = jnp.where(jnp.isnan(own), ROOM_TEMPERATURE, own)
    if kind == "sigma_ele":
        scaled = sigma * arrhenius_factor(E_act, temperature, T_ref)
        return jnp.where(typed, sigma, scaled)
    scaled = jnp.where(E_act == 0, sigma, arrhenius_sigma_ion(sigma, E_act, temperature, T_ref))
    far = unknown & (jnp.abs(temperature - T_ref) > HELD_WITHIN_K)
    return jnp.where(typed, sigma, jnp.where(far, jnp.nan, scaled))


def used_on_host(kind: Kind, measured: Measured, temperature: Number) -> NDArray[np.float64]:
    """`used` in double precision, as NumPy's array.

    The rule acts on every number by itself: arrays of any shape are filled up to a few lengths, so
    that few programs are compiled.
    """
    numbers = (np.asarray(number, np.float64) for number in (*measured[:3], temperature))
    arrays = np.broadcast_arrays(*numbers, np.asarray(measured.typed, np.float64))
    shape, count = arrays[0].shape, arrays[0].size
    length = SHORTEST_ROW
    while length < count:
        length *= 8
    rows = [np.resize(array.ravel(), length) for array in arrays]
    with jax.enable_x64(True):
        values = _used_in_rows(kind, Measured(rows[0], rows[1], rows[2], rows[4] > 0), rows[3])
    return np.asarray(values)[:count].reshape(shape)


@kept("conductivities", QUICK_COMPILE)
def _used_in_rows(kind: Kind, measured: Measured, temperature: Number) -> Number:
    return used(kind, measured, temperature)


def held_constant(measured: Measured, temperature: Number) -> NDArray[np.bool_]:
    """Whether a known value without activation energy is used away from its own temperature."""
    sigma, activation, own, typed = (np.asarray(value) for value in measured)
    T_ref = np.where(np.isnan(own), ROOM_TEMPERATURE, own)
    away = np.abs(np.asarray(temperature) - T_ref) > AS_MEASURED_WITHIN_K
    held: NDArray[np.bool_] = ~np.isnan(sigma) & np.isnan(activation) & away & ~typed
    return held


def at_temperature(
    frame: pd.DataFrame, temperature: float, typed: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """A table of materials with all conductivities at one temperature (K).

    typed: columns whose values were typed in a spec; those whose measuring temperature was typed,
    too, count as measured. The values before stand as `sigma_ion_S_cm_library` and
    `sigma_ele_S_cm_library`; `temperature_notes` lists what was done to each material's values.
    """
    notes: dict[str, list[str]] = {name: [] for name in frame["name"]}
    for name, sentence in said(frame, temperature, typed):
        notes[name].append(sentence)
    columns: dict[str, Any] = {"temperature_notes": [notes[name] for name in frame["name"]]}
    for kind, parts in PARTS.items():
        activation = frame[f"{kind}_activation_eV"].to_numpy(float)
        own = frame[f"{kind}_temperature_K"].to_numpy(float)
        columns[f"{kind}_S_cm_library"] = frame[f"{kind}_S_cm"]
        for name in parts:
            holds = name in typed and f"{kind}_temperature_K" not in typed
            value = Measured(frame[name].to_numpy(float), activation, own, holds)
            columns[name] = used_on_host(kind, value, temperature)  # type: ignore[arg-type]
    if curves.POINTS in frame:
        columns[curves.POINTS] = _curves_at(frame, temperature, "sigma_ele_S_cm" in typed)
    return frame.assign(**columns)


def _curves_at(frame: pd.DataFrame, temperature: float, typed: bool) -> list[str | None]:
    """Curves of sigma_ele at a temperature (K); none where a number was typed in their place."""
    activation = frame["sigma_ele_activation_eV"].to_numpy(float)
    own = frame["sigma_ele_temperature_K"].to_numpy(float)
    shift = np.log10(used_on_host("sigma_ele", Measured(1.0, activation, own), temperature))
    measured_curves = [None if typed else curves.curve_at(row) for row in frame.to_dict("records")]
    return [
        None if curve is None else curves.packed(curve.shifted(float(by)))
        for curve, by in zip(measured_curves, shift, strict=True)
    ]


def said(
    frame: pd.DataFrame, temperature: float, typed: frozenset[str] = frozenset()
) -> list[tuple[str, str]]:
    """Materials, and what was done to their known conductivities to have them at a temperature (K).

    One sentence for every material and conductivity that was scaled, held or is unknown; none where
    the value was measured within 10 K of the temperature or typed for it.
    """
    sentences: list[tuple[str, str]] = []
    for kind in PARTS:
        column, own = f"{kind}_S_cm", frame[f"{kind}_temperature_K"].fillna(ROOM_TEMPERATURE)
        if column in typed and f"{kind}_temperature_K" not in typed:
            continue
        away = (own - temperature).abs() > AS_MEASURED_WITHIN_K
        curved = curves.has_curve(frame) & (kind == "sigma_ele")
        for _, row in frame[away & (frame[column].notna() | curved)].iterrows():
            T_ref = row[f"{kind}_temperature_K"]
            T_ref = ROOM_TEMPERATURE if pd.isna(T_ref) else T_ref
            E_act = row[f"{kind}_activation_eV"]
            value = f"{row[column]:.3g} S/cm"
            if curves.curve_at(row.to_dict()) is not None and kind == "sigma_ele":
                value = "as a curve"
            prefix = f"{row['name']}: {kind} {value}, measured at {T_ref:g} K,"
            if not pd.isna(E_act):
                done = f"scaled to {temperature:g} K with {E_act:g} eV"
            elif kind == "sigma_ele" or abs(temperature - T_ref) <= HELD_WITHIN_K:
                done = f"held constant to {temperature:g} K: no activation energy"
            else:
                done = f"is unknown at {temperature:g} K: no activation energy, too far away"
            sentences.append((row["name"], f"{prefix} {done}"))
    return sentences
