"""The probability that a cell lives: coating, contacts and interphases within the budget.

By a fixed set of scrambled Sobol points over everything uncertain: the coating's and the
electrolyte's conductivities and limits (those of a `Line`), and the products on both sides. The
coating is taken as unchanged: whether it is stable at the cathode is another criterion, with
numbers of its own. `if_protected` is P(lives) of a coating that protects and is affordable.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from muli.kernels import AgeingHoles, AgeingLayer, AgeingRising, AgeingRow, lives
from muli.kernels.constants import CM_PER_NM
from muli.screen.engine.probability_line import Array, Line
from muli.screen.space.distributions import normal_scores
from muli.screen.space.problem import Problem
from muli.screen.space.products import TOUCHES, made, names_of
from muli.screen.spec import Ageing
from muli.screen.spec.times import SECONDS

FINE, COARSE = 256, 64
"""Points for small screens, and for large ones."""
NO_LIMIT_V = -99.0
"""Reduction limit with `boundary = "electrode"`: below all potentials, so that it has no effect."""
SPREADS = ("sigma_ion", "sigma_ele", "volume_per_charge", "reaction_rate")
_DIMENSION, _SEED = 14, 20


class Products(NamedTuple):
    """Products of an electrolyte on one side: log10 of S/cm, S/cm, cm3/C and cm/s, and deviations.

    slope, reference: sigma_ele ~ exp(slope (E - reference)), 1/V and V, above floor (S/cm).
    """

    sigma_ion: Array
    sigma_ion_sd: Array
    sigma_ele: Array
    sigma_ele_sd: Array
    volume_per_charge: Array
    volume_per_charge_sd: Array
    reaction_rate: Array
    reaction_rate_sd: Array
    slope: Array
    reference: Array
    floor: Array


class Asked(NamedTuple):
    """Conditions of a life: its length (s), whether the anode's side counts (1 or 0), and the
    coated share with the radius of holes (cm), None for a coating without holes."""

    life: float
    anode_counts: float
    coverage: float | None
    hole_radius: float


class Chance(NamedTuple):
    """P(lives), and P(lives) of a coating that protects and is affordable."""

    p_lives: Array
    if_protected: Array


def asked(spec: Ageing) -> Asked:
    """The conditions of a life in a spec."""
    return Asked(
        spec.life_years * SECONDS["year"],
        float(spec.count_anode_side),
        None if spec.coverage == 1 else spec.coverage,
        spec.hole_radius_nm * CM_PER_NM,
    )


def product_tables(problem: Problem) -> dict[str, NDArray[np.float64]]:
    """Numbers of `products_at` along the electrolytes, by side and name."""
    tables = {}
    for side in TOUCHES:
        products = made(names_of(problem), side)
        for name in SPREADS:
            spread = getattr(products, name)
            tables[f"{side}.{name}"] = np.log10(spread.value)
            tables[f"{side}.{name}_sd"] = spread.sd
        tables |= {
            f"{side}.slope": products.hole_slope,
            f"{side}.reference": products.hole_reference,
        }
        tables[f"{side}.floor"] = products.hole_floor
    return tables


def products_at(read: Callable[[str], Array], side: str, V_T: Array) -> Products:
    """Products of some lines. read: a table of `product_tables` at these lines."""
    values = {name: read(f"{side}.{name}") for name in Products._fields}
    return Products(**values)._replace(slope=values["slope"] / V_T)


def chances(
    line: Line, products: Sequence[Products], nm: Array, asked: Asked, points: int
) -> Chance:
    """`chance` of lines (lines,). products: by `TOUCHES`. A line at 0 nm is a bare cell."""
    count = len(nm)
    arrays = jax.tree.map(
        lambda values: jnp.broadcast_to(jnp.asarray(values, nm.dtype), (count,)),
        (line, *products, nm),
    )

    def one(line: Line, under: Products, bare: Products, anode: Products, nm: Array) -> Chance:
        return chance(line, under, bare, anode, nm, asked, points)

    return jax.vmap(one)(*arrays)


def life_columns(chance: Chance, p_transport: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Columns of the probability of living."""
    return {
        "p_lives": chance.p_lives,
        "p_lives_protected": p_transport * chance.if_protected,
    }


def chance(
    line: Line,
    under: Products,
    bare: Products,
    anode: Products,
    nm: Array,
    asked: Asked,
    points: int,
) -> Chance:
    """Chance of one line at a thickness (nm). under, bare: products below the coating, in holes."""
    under = jax.tree.map(lambda a, b: jnp.where(nm > 0, a, b), under, bare)
    scores = jnp.asarray(normal_scores(_DIMENSION, points, _SEED), jnp.asarray(nm).dtype)

    def alive(z: Array) -> tuple[Array, Array, Array]:
        row = drawn_row(line, under, bare, anode, nm, asked, z)
        survival = lives(row, jnp.asarray(asked.life, row.asr_budget.dtype))
        return survival.as_it_is, survival.protected, row.asr_coating <= row.asr_budget

    as_it_is, protected, affordable = jax.vmap(alive)(scores)
    pays = jnp.sum(affordable)
    share = jnp.sum(protected & affordable) / jnp.maximum(pays, 1)
    return Chance(jnp.mean(as_it_is, dtype=scores.dtype), share.astype(scores.dtype))


def drawn_row(
    line: Line, under: Products, bare: Products, anode: Products, nm: Array, asked: Asked, z: Array
) -> AgeingRow:
    """One draw of a line. z: normal scores; products of one side are drawn alike."""
    second = jax.scipy.stats.norm.cdf(z[0]) < line.second_weight
    ion = jnp.where(
        second,
        line.sigma_ion_second + line.sigma_ion_second_sd * z[1],
        line.sigma_ion + line.sigma_ion_sd * z[1],
    )
    own = jnp.sqrt(jnp.maximum(1.0 - line.rho_ion**2 - line.rho_electrolyte**2, 0.0))
    ele = own * z[2] + line.rho_ion * z[1] + line.rho_electrolyte * z[3]
    ele = line.sigma_ele + line.sigma_ele_sd * ele
    other = line.electrolyte_sigma_ele + line.electrolyte_sigma_ele_sd * z[3]
    red = line.electrolyte_reduction_V + line.electrolyte_reduction_sd * z[4]
    ox = line.electrolyte_oxidation_V + line.electrolyte_oxidation_sd * z[5]
    film = nm * CM_PER_NM / line.area_factor
    asr = film * _power(-ion) + jnp.where(nm > 0, line.contacts_ohm_cm2, 0.0)
    whole = 1.0 / line.electrolyte_sigma_ion_S_cm + _power(-other)
    holes = None
    if asked.coverage is not None:
        holes = AgeingHoles(
            jnp.where(nm > 0, asked.coverage, 0.0),
            jnp.asarray(asked.hole_radius, asr.dtype),
            _layer(bare, z[6:10]),
        )
    return AgeingRow(
        E_anode=line.anode_V,
        E_cathode=line.cathode_high_V,
        reduction=jnp.where(line.pinned > 0, jnp.minimum(red, ox), NO_LIMIT_V),
        oxidation=ox,
        electrolyte_resistance=line.electrolyte_cm * whole,
        coating_resistance=asr + film * _power(-ele),
        asr_coating=asr,
        asr_budget=line.budget_ohm_cm2,
        area_factor=line.area_factor,
        cathode=_layer(under, z[6:10]),
        anode=_layer(anode, z[10:14]),
        electrolyte_thickness=line.electrolyte_cm,
        anode_counts=jnp.asarray(asked.anode_counts, asr.dtype),
        holes=holes,
    )


def _layer(made: Products, z: Array) -> AgeingLayer:
    return AgeingLayer(
        _power(made.sigma_ion + made.sigma_ion_sd * z[0]),
        _power(made.sigma_ele + made.sigma_ele_sd * z[1]),
        _power(made.volume_per_charge + made.volume_per_charge_sd * z[2]),
        _power(made.reaction_rate + made.reaction_rate_sd * z[3]),
        AgeingRising(made.slope, made.reference, made.floor),
    )


def _power(exponent: Array) -> Array:
    """10^x, x held to -20 ... 20: single precision holds that."""
    return jnp.exp(np.log(10.0) * jnp.clip(exponent, -20.0, 20.0))
