"""Electronic conductivity sigma_ele(E) of one layer: the laws, and Arrhenius scaling.

E is the local lithium potential, V vs Li/Li+ (high E = lithium-poor); conductivities are S/cm.
Branches are handled through logarithms: at 4 V, e^(E/V_T) is e^160 and overflows float32.

A further law is a subclass of `Law` in this file. Its `form` says in which of the three forms that
the solvers integrate it is given to them; `as_branches` or `as_table` does it.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.constants import BOLTZMANN_EV, ROOM_TEMPERATURE
from muli.kernels.model.numbers import Real
from muli.kernels.model.shown import quantity

Tree = TypeVar("Tree")


class Law(eqx.Module):
    """sigma_ele(E) of one layer."""

    form: ClassVar[Literal["constant", "branches", "table"]]
    """The form in which solvers integrate it over the potential."""

    @property
    def is_constant(self) -> bool:
        """Whether sigma_ele is one number, whatever the potential."""
        return self.form == "constant"

    @property
    def is_table(self) -> bool:
        """Whether solvers take it piece by piece between the points of `as_table`."""
        return self.form == "table"

    @property
    def plain_slope(self) -> float | None:
        """The slope of both branches where they are equal Python numbers, else None; without
        branches 1."""
        return 1.0

    def as_branches(self, like: Float[Array, ""]) -> "Branches":
        """The law as branches in the type of `like`. Tables give 1 S/cm, which is never used."""
        zero, one = jnp.zeros_like(like), jnp.ones_like(like)
        return Branches(one, zero, zero, zero, zero, one, one)

    @abstractmethod
    def as_table(self) -> "Table":
        """The law as a table. Branches give two points of 1 S/cm, which are never used."""

    @abstractmethod
    def out_of_range(self) -> Bool[Array, ""]:
        """Whether a number of the law cannot be: a weight below 0, a grid that does not rise."""

    @abstractmethod
    def scaled(self, factor: Float[Real, ""]) -> "Law":
        """sigma_ele times a factor at every potential."""

    @property
    def text(self) -> str:
        """The law in a few words, with units."""
        return type(self).__name__

    def with_sigma_0(self, value: Float[Real, ""]) -> "Law":
        """The law with another part that does not depend on E (S/cm); `ValueError` for tables."""
        raise ValueError("sigma_ele of a tabulated layer is not one number and cannot vary")

    def capped(self, largest: float) -> "Law":
        """The law with sigma_ele not above `largest` (S/cm) where it is one number."""
        return self

    def with_unit_slopes(self) -> "Law":
        """The law with plain 1.0 as slope of its branches, for which a closed form exists."""
        return self

    def with_plain_slopes_of(self, given: "Law") -> "Law":
        """The law with those slopes of `given` that are Python numbers: they choose the method."""
        return self

    @property
    def corners(self) -> Float[Array, " points"] | None:
        """Potentials (V) at which sigma_ele has a corner, or None."""
        return self.as_table().E if self.is_table else None

    def is_left_by(self, faces: Float[Array, " faces"]) -> Bool[Array, ""] | bool:
        """Whether potentials (V) lie outside the range in which the law is given."""
        if self.corners is None:
            return False
        return (jnp.min(faces) < self.corners[0]) | (jnp.max(faces) > self.corners[-1])


class Constant(Law):
    """sigma_ele independent of the potential. The law for measured, extrinsic values."""

    form = "constant"
    sigma_0: Float[Real, ""]

    @property
    def text(self) -> str:
        """The number with its unit."""
        return quantity(self.sigma_0, "S/cm")

    def as_branches(self, like: Float[Array, ""]) -> "Branches":
        """Branches that are absent."""
        plain = super().as_branches(like)
        return replace(plain, sigma_0=jnp.asarray(self.sigma_0, like.dtype))

    def as_table(self) -> "Table":
        """A flat table."""
        return _flat(jnp.log10(self.sigma_0))

    def out_of_range(self) -> Bool[Array, ""]:
        """Whether sigma_ele is not positive."""
        return jnp.asarray(self.sigma_0 <= 0)

    def scaled(self, factor: Float[Real, ""]) -> "Constant":
        """sigma_ele times a factor."""
        return Constant(self.sigma_0 * factor)

    def with_sigma_0(self, value: Float[Real, ""]) -> "Constant":
        """Another sigma_ele (S/cm)."""
        return Constant(value)

    def capped(self, largest: float) -> "Constant":
        """sigma_ele, not above `largest` (S/cm)."""
        return Constant(jnp.minimum(self.sigma_0, largest))


class Branches(Law):
    """sigma_0 + sigma_n exp(-z_n (E - E_n)/V_T) + sigma_p exp(+z_p (E - E_p)/V_T).

    z = 1 for dilute carriers with pinned ionic defects; 1/2 and 1/4 occur. A branch of exactly
    zero is absent. sigma_* in S/cm, E_* in V vs Li/Li+, z dimensionless.
    """

    form = "branches"
    sigma_0: Float[Real, ""]
    sigma_n: Float[Real, ""]
    E_n: Float[Real, ""]
    sigma_p: Float[Real, ""]
    E_p: Float[Real, ""]
    z_n: Float[Real, ""] = 1.0
    z_p: Float[Real, ""] = 1.0

    @property
    def text(self) -> str:
        """The floor, and what each branch has at which potential."""
        branches = [
            f"{name} {quantity(sigma, 'S/cm')} at {quantity(E, 'V')} (slope {quantity(z, '')})"
            for name, sigma, E, z in (
                ("electrons", self.sigma_n, self.E_n, self.z_n),
                ("holes", self.sigma_p, self.E_p, self.z_p),
            )
            if not isinstance(sigma, float) or sigma
        ]
        return " + ".join([quantity(self.sigma_0, "S/cm"), *branches])

    @property
    def plain_slope(self) -> float | None:
        """The slope of both branches where they are equal Python numbers, else None."""
        known = isinstance(self.z_n, int | float) and isinstance(self.z_p, int | float)
        return self.z_n if known and self.z_n == self.z_p else None

    def as_branches(self, like: Float[Array, ""]) -> "Branches":
        """The same in the type of `like`."""
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, like.dtype), self)

    def as_table(self) -> "Table":
        """Two points of 1 S/cm, so that places agree."""
        return _flat(jnp.zeros_like(self.sigma_0))

    def out_of_range(self) -> Bool[Array, ""]:
        """Whether no part is positive, or a weight or a slope is negative."""
        weights = self.sigma_0, self.sigma_n, self.sigma_p
        wrong = (self.sigma_0 <= 0) & (self.sigma_n <= 0) & (self.sigma_p <= 0)
        wrong = wrong | (self.z_n <= 0) | (self.z_p <= 0)
        for weight in weights:
            wrong = wrong | (weight < 0)
        return jnp.asarray(wrong)

    def scaled(self, factor: Float[Real, ""]) -> "Branches":
        """All three parts times a factor."""
        parts = {name: getattr(self, name) * factor for name in ("sigma_0", "sigma_n", "sigma_p")}
        return replace(self, **parts)

    def with_sigma_0(self, value: Float[Real, ""]) -> "Branches":
        """Another constant part (S/cm); the branches stay."""
        return replace(self, sigma_0=value)

    def with_unit_slopes(self) -> "Branches":
        """Both slopes as plain 1.0."""
        return replace(self, z_n=1.0, z_p=1.0)

    def with_plain_slopes_of(self, given: Law) -> "Branches":
        """Those slopes of `given` that are Python numbers."""
        slopes = {name: getattr(given, name) for name in ("z_n", "z_p")}
        return replace(self, **{k: z for k, z in slopes.items() if isinstance(z, int | float)})


class Table(Law):
    """log10 sigma_ele (S/cm) on an increasing grid of E (V), linear in between.

    Beyond the grid the end values hold and the status says `extrapolated_table`.
    """

    form = "table"
    E: Float[Array, " points"]
    log10_sigma: Float[Array, " points"]

    @property
    def text(self) -> str:
        """How many points, and over which potentials."""
        count = jnp.shape(self.E)[-1]
        return f"table of {count} points, E {quantity(self.E, 'V')}"

    def as_table(self) -> "Table":
        """The law itself."""
        return self

    def out_of_range(self) -> Bool[Array, ""]:
        """Whether the grid does not rise."""
        return jnp.any(jnp.diff(self.E) <= 0)

    def scaled(self, factor: Float[Real, ""]) -> "Table":
        """Every point times a factor."""
        return Table(self.E, self.log10_sigma + jnp.log10(factor))


def _flat(level: Float[Array, ""]) -> Table:
    return Table(jnp.arange(2, dtype=level.dtype), jnp.broadcast_to(level, (2,)))


def aligned_tables(laws: Sequence[Law]) -> Table:
    """Tables of one length along a leading axis, short ones continued by their end values.

    A constant is a flat table. Branches get a table that is never used, so that places agree. Every
    number must be an array.
    """
    tables = [law.as_table() for law in laws]
    longest = max(table.E.size for table in tables)
    grids, values = [], []
    for table in tables:
        missing = longest - table.E.size
        beyond = table.E[-1] + jnp.arange(1, missing + 1, dtype=table.E.dtype)
        level = jnp.broadcast_to(table.log10_sigma[-1], (missing,))
        grids.append(jnp.concatenate([table.E, beyond]))
        values.append(jnp.concatenate([table.log10_sigma, level]))
    return Table(jnp.stack(grids), jnp.stack(values))


def constant_sigma_ele(law: Law) -> Float[Real, "..."]:
    """sigma_0 (S/cm) of a law that the caller knows to be constant.

    Args:
        law: a `Constant`, S/cm.

    Returns:
        S/cm.
    """
    assert isinstance(law, Constant)
    return law.sigma_0


def with_unit_slopes(tree: Tree) -> Tree:
    """A stack, layer or law whose branches all have the slope 1, with that as a plain number.

    Args:
        tree: with branch laws; see `Branches`.

    Returns:
        The same, with z_n = z_p = 1 (no unit).
    """

    def plain(node: Any) -> Any:
        return node.with_unit_slopes() if isinstance(node, Law) else node

    return jax.tree.map(plain, tree, is_leaf=lambda node: isinstance(node, Law))


def arrhenius_sigma_ion(
    sigma_ref: Float[Real, "..."],
    E_act: Float[Real, "..."],
    temperature: Float[Real, "..."],
    T_ref: Float[Real, "..."] = ROOM_TEMPERATURE,
) -> Float[Array, "..."]:
    """sigma_ion(T) from sigma*T Arrhenius: sigma_ref (T_ref/T) exp(-(E_act/k_B)(1/T - 1/T_ref)).

    S/cm, eV, K.

    Args:
        sigma_ref: S/cm at T_ref.
        E_act: eV.
        temperature, T_ref: K.

    Returns:
        S/cm at the temperature.
    """
    return sigma_ref * (T_ref / temperature) * arrhenius_factor(E_act, temperature, T_ref)


def arrhenius_factor(
    E_act: Float[Real, "..."],
    temperature: Float[Real, "..."],
    T_ref: Float[Real, "..."] = ROOM_TEMPERATURE,
) -> Float[Array, "..."]:
    """exp(-(E_act/k_B)(1/T - 1/T_ref)): what sigma_ele and its branches are scaled by. eV, K.

    Args:
        E_act: eV.
        temperature, T_ref: K.

    Returns:
        A factor without a unit.
    """
    return jnp.exp(-(E_act / BOLTZMANN_EV) * (1.0 / temperature - 1.0 / T_ref))
