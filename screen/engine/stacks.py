"""From positions on the axes to stacks, on the device.

Arrays have four axes (lines, states, blocks, thicknesses). A line's own numbers have the shape
(lines, 1, blocks, 1), cathode potentials (lines, states, blocks, 1), thicknesses (lines or 1, 1,
blocks, thicknesses): what does not depend on the thickness is computed once per line and block.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from muli.kernels import (
    Boundary,
    Branches,
    Constant,
    Layer,
    Limits,
    Stack,
    Table,
    Window,
    resolve_boundary,
)
from muli.kernels.constants import CM_PER_NM, CM_PER_UM
from muli.screen.space.conductivity import Kind, Measured, used
from muli.screen.space.own import Own
from muli.screen.spec import Screen
from muli.screen.vocabulary import FILL

Tables = Mapping[str, Float[Array, "..."]]
Digits = Mapping[str, Int[Array, "lines blocks"]]
Number = Float[Array, "..."]

CONTACTS = (
    "interface.anode_electrolyte_asr_ohm_cm2",
    "interface.electrolyte_coating_asr_ohm_cm2",
    "interface.coating_cathode_asr_ohm_cm2",
)


class Batch(NamedTuple):
    """Stacks that broadcast together, their limits, and the boundary that gave their potentials."""

    stack: Stack
    limits: Limits
    boundary: Boundary


class LawForm(NamedTuple):
    """What is known of all stacks when a program is built, so that it takes the shortest method.

    branches: whether sigma_ele is built with branches. slope: the z that all of them share, or
    None. current: whether a current flows in some stack. curves: roles that are built with curves.
    layers: of every coating. anode_coated: whether a coating lies between anode and electrolyte.
    """

    branches: bool
    slope: float | None = 1.0
    current: bool = False
    curves: frozenset[str] = frozenset()
    layers: int = 1
    anode_coated: bool = False


class Lookup(NamedTuple):
    """Reads numbers of lines: `tables` by key, at the lines' positions on the axes.

    own: keys of single materials by `role.property`. drawn: values of properties that are drawn,
    draws on the last axis.
    """

    tables: Tables
    digits: Digits
    own: Mapping[str, Sequence[Own]] = MappingProxyType({})
    drawn: Mapping[str, Number] = MappingProxyType({})

    def axis(self, key: str) -> Number:
        """Value of a scenario axis, (lines, 1, blocks, 1)."""
        if key in self.drawn:
            return self.drawn[key]
        return per_line(self.tables[key][self.digits[key]])

    def optional(self, key: str, default: float) -> Number:
        """Value of a scenario axis that may be absent."""
        if key in self.digits:
            return self.axis(key)
        return jnp.full((1, 1, 1, 1), default, self.tables["temperature_K"].dtype)

    def property(self, role: str, name: str) -> Number:
        """A material's property: its own axis, else its role's, else the table, gaps
        filled with `missing = "decades"`."""
        value = self._of_role(role, name)
        for key, matches in self.own_axes(role, name):
            value = jnp.where(matches, self.axis(key), value)
        return value

    def own_axes(self, role: str, name: str) -> list[tuple[str, Array]]:
        """Keys that give a property to one material, and where on its axis that material is."""
        return [
            (key, per_line(self.digits[_axis_of(role)] == index))
            for key, index in self.own.get(f"{role}.{name}", ())
            if key in self.digits or key in self.drawn
        ]

    def _of_role(self, role: str, name: str) -> Number:
        key = f"{_axis_of(role)}.{name}"
        if key in self.digits or key in self.drawn:
            return self.axis(key)
        value = per_line(self.tables[f"{role}.{name}"][self.digits[_axis_of(role)]])
        filler = FILL + key
        return (
            jnp.where(jnp.isnan(value), self.axis(filler), value)
            if filler in self.digits
            else value
        )


def _axis_of(role: str) -> str:
    """The axis of a role: that of coatings for each of their layers (`coating_1` and so on)."""
    return "coating" if role.startswith("coating_") else role


def per_line(values: Array) -> Array:
    """(lines, blocks) values with axes for states and thicknesses."""
    return values[:, None, :, None]


def unravel(
    start: Int[Array, " axes"], sizes: Mapping[str, int], offsets: Int[Array, "lines blocks"]
) -> dict[str, jax.Array]:
    """Positions on every axis of lines, from those of one line and how many lines later they are.

    int32 throughout: offsets stay within a chunk.
    """
    rest = offsets
    digits: dict[str, jax.Array] = {}
    for position, (name, size) in reversed(list(enumerate(sizes.items()))):
        value = start[position] + rest
        rest, digits[name] = value // size, value % size
    return digits


def build(lookup: Lookup, thickness_nm: Number, screen: Screen, law: LawForm) -> Batch:
    """Electrolyte | coating stacks of the lines at these thicknesses (nm), boundary resolved."""
    area = lookup.optional("cathode.area_factor", 1.0)
    temperature = lookup.axis("temperature_K")
    films = _films(lookup, thickness_nm, law.layers)
    before = ("anode_coating",) if law.anode_coated else ()
    layers = (
        *(
            _layer(lookup, role, lookup.axis(f"{role}_thickness_nm") * CM_PER_NM, law)
            for role in before
        ),
        _layer(lookup, "electrolyte", lookup.axis("electrolyte_thickness_um") * CM_PER_UM, law),
        *(_layer(lookup, role, film * CM_PER_NM / area, law) for role, film in films.items()),
    )
    window = _window(lookup, "electrolyte")
    boundary = _boundary(lookup, window, anode_coated=law.anode_coated)
    stack = Stack(
        layers,
        boundary.E_anode,
        boundary.E_cathode,
        temperature,
        lookup.axis("current_density_mA_cm2") * 1e-3 if law.current else 0.0,
        _contacts(lookup, area, law),
        electrolyte=len(before),
    )
    limits = Limits(
        window,
        tuple(_window(lookup, role) for role in (*before, *films)),
        screen.asr_budget_ohm_cm2,
        screen.areal_capacity_mAh_cm2,
        screen.window_tolerance_V,
        area,
    )
    return Batch(stack, limits, boundary)


def _films(lookup: Lookup, thickness: Number, layers: int) -> dict[str, Number]:
    """Thickness (nm) of the coating, or of its layers by their roles.

    With several layers `thickness` is a position on their joint axis.
    """
    if layers == 1:
        return {"coating": thickness}
    position = thickness.astype(jnp.int32)
    return {
        f"coating_{k}": lookup.tables[f"layer_{k}_thickness_nm"][position]
        for k in range(1, layers + 1)
    }


def _contacts(lookup: Lookup, area: Number, law: LawForm) -> tuple[Number, ...] | None:
    """Contact resistances; those at the coating share the cathode's larger area.

    Layers of a coating touch each other ideally, and so does a coating of the anode.
    """
    if not any(key in lookup.digits for key in CONTACTS):
        return None
    first, middle, last = (lookup.optional(key, 0.0) for key in CONTACTS)
    nothing = jnp.zeros_like(area)
    ideal = (nothing,) * (law.layers - 1)
    before = (nothing,) if law.anode_coated else ()
    return *before, first, middle / area, *ideal, last / area


def _boundary(lookup: Lookup, window: Window, *, anode_coated: bool) -> Boundary:
    key = "anode_potential_V"
    axis = "anode" if "anode" in lookup.digits else key
    E_anode = per_line(lookup.tables[key][lookup.digits[axis]])
    axis = "cathode" if "cathode" in lookup.digits else "cathode_potential_V"
    potentials = lookup.tables["cathode_potential_V"][lookup.digits[axis]]
    E_cathode = jnp.moveaxis(potentials, 2, 1)[..., None]
    kept = resolve_boundary(E_anode, E_cathode, window, choice="electrode")
    pinned = resolve_boundary(E_anode, E_cathode, window, choice="auto", anode_coated=anode_coated)
    electrode = lookup.axis("boundary") > 0
    return jax.tree.map(lambda a, b: jnp.where(electrode, a, b), kept, pinned)


def _window(lookup: Lookup, role: str) -> Window:
    limits = (lookup.property(role, f"{side}_limit_V") for side in ("reduction", "oxidation"))
    return Window(*limits)


def _layer(lookup: Lookup, role: str, thickness: Number, form: LawForm) -> Layer:
    sigma_ion = _used(lookup, role, "sigma_ion_S_cm", "sigma_ion")
    sigma_ele = _used(lookup, role, "sigma_ele_S_cm", "sigma_ele")
    if role in form.curves:
        return Layer(thickness, sigma_ion, _table(lookup, role, sigma_ele))
    law = _branches(lookup, role, sigma_ele, form) if form.branches else Constant(sigma_ele)
    return Layer(thickness, sigma_ion, law)


def _table(lookup: Lookup, role: str, sigma_ele: Number) -> Table:
    """The curve of a material at the temperature of its line; without one, its number throughout.

    Leaves have the points of the curve as a fifth axis.
    """
    E, logs, known = (
        per_line(lookup.tables[f"{role}.{name}"][lookup.digits[role]])
        for name in ("curve_E_V", "curve_log10_sigma", "has_curve")
    )
    measured = Measured(
        jnp.ones_like(known),
        lookup.property(role, "sigma_ele_activation_eV"),
        lookup.property(role, "sigma_ele_temperature_K"),
    )
    shift = jnp.log10(used("sigma_ele", measured, lookup.axis("temperature_K")))
    flat = jnp.log10(sigma_ele)
    return Table(E, jnp.where((known > 0)[..., None], logs + shift[..., None], flat[..., None]))


def _used(lookup: Lookup, role: str, column: str, kind: Kind) -> Number:
    """A conductivity of a role's material at the temperature of its line."""
    measured = Measured(
        lookup.property(role, column),
        lookup.property(role, f"{kind}_activation_eV"),
        lookup.property(role, f"{kind}_temperature_K"),
        _typed(lookup, role, column, f"{kind}_temperature_K"),
    )
    return used(kind, measured, lookup.axis("temperature_K"))


def _typed(lookup: Lookup, role: str, column: str, measured_at: str) -> Array:
    """Whether a value comes from the spec and holds at the temperature of the line."""
    axis = _axis_of(role)
    key = f"{axis}.{column}"
    stated = f"{axis}.{measured_at}" in lookup.digits
    typed = jnp.asarray(key in lookup.digits and not stated)
    if FILL + key in lookup.digits:
        typed = typed | jnp.isnan(per_line(lookup.tables[key][lookup.digits[role]]))
    known = {index for _, index in lookup.own.get(f"{role}.{measured_at}", ())}
    for own, index in lookup.own.get(f"{role}.{column}", ()):
        holds = own in lookup.digits and not stated and index not in known
        typed = jnp.where(per_line(lookup.digits[axis] == index), holds, typed)
    return typed


def _branches(lookup: Lookup, role: str, sigma_ele: Number, form: LawForm) -> Branches:
    """The branch law; a material without branches keeps its one number as sigma_0."""
    sigma_0, sigma_n, sigma_p = (
        _used(lookup, role, f"sigma_{kind}_S_cm", "sigma_ele") for kind in ("0", "n", "p")
    )
    none = jnp.isnan(sigma_n) & jnp.isnan(sigma_p)
    floor = jnp.where(jnp.isnan(sigma_0), jnp.where(none, sigma_ele, 0.0), sigma_0)

    def known(name: str, default: float) -> Number:
        value = lookup.property(role, name)
        return jnp.where(jnp.isnan(value), default, value)

    return Branches(
        floor,
        jnp.where(jnp.isnan(sigma_n), 0.0, sigma_n),
        known("E_n_V", 0.0),
        jnp.where(jnp.isnan(sigma_p), 0.0, sigma_p),
        known("E_p_V", 0.0),
        known("z_n", 1.0) if form.slope is None else form.slope,
        known("z_p", 1.0) if form.slope is None else form.slope,
    )


def spread(batch: Any, function: Callable[..., Any]) -> Any:
    """A function of the members of a batch over the broadcast of all four axes, computed once
    where they agree. batch: a `Batch`, or another tuple of arrays with four axes each."""
    shaped, whole = _split(batch)

    def one(leaves: list[Number]) -> Any:
        return function(*whole(leaves))

    sizes = [max(leaf.shape[axis] for leaf in shaped) for axis in range(4)]
    # the largest axis is the last of every array inside, which a processor takes several at a time
    order = sorted((axis for axis in range(4) if sizes[axis] > 1), key=sizes.__getitem__)
    mapped: Any = one
    for axis in reversed(order):
        mapped = jax.vmap(
            mapped, in_axes=([0 if leaf.shape[axis] > 1 else None for leaf in shaped],)
        )
    results = mapped([_reordered(leaf, order) for leaf in shaped])
    unused = [axis for axis in range(4) if axis not in order]
    back = np.argsort(order).tolist()

    def placed(leaf: Number) -> Number:
        more = range(len(order), leaf.ndim)
        return jnp.expand_dims(leaf.transpose(*back, *more), unused)

    return jax.tree.map(placed, results)


def of_some(tree: Any, places: tuple[Array, ...], function: Callable[..., Any]) -> Any:
    """A function of some rows of a tree of arrays, by their positions along the four axes."""
    shaped, whole = _split(tree)

    def taken(leaf: Number) -> Number:
        sizes = leaf.shape[:4]
        return leaf[tuple(jnp.where(n > 1, at, 0) for n, at in zip(sizes, places, strict=True))]

    return jax.vmap(lambda leaves: function(whole(leaves)))([taken(leaf) for leaf in shaped])


def _reordered(leaf: Number, order: Sequence[int]) -> Number:
    """Its axes longer than 1 in this order, then the points of a curve."""
    kept = [axis for axis in (*order, *range(4, leaf.ndim)) if leaf.shape[axis] > 1]
    ones = [axis for axis in range(leaf.ndim) if leaf.shape[axis] == 1]
    return leaf.transpose(*kept, *ones).reshape([leaf.shape[axis] for axis in kept])


def _split(batch: Any) -> tuple[list[Number], Any]:
    """Its arrays, and a function that makes a batch with other arrays in their place."""
    leaves, tree = jax.tree.flatten(batch)
    shaped = [position for position, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)]

    def whole(replaced: list[Number]) -> Any:
        new = list(leaves)
        for position, leaf in zip(shaped, replaced, strict=True):
            new[position] = leaf
        return jax.tree.unflatten(tree, new)

    return [leaves[position] for position in shaped], whole
