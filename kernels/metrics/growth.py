"""Interphases that grow on both sides of an electrolyte: how thick, how resistive, after how long.

Where a face of the electrolyte is held at its own limit (`pinned.py`), it decomposes and an
interphase of thickness l grows between it and its coating, or its bare electrode. l follows from
the leak through interphase and coating less that through the electrolyte; the held potentials do
not move meanwhile, so that both sides grow independently:

    dl/dt = (v/a) (j_up(l) - j_SE),   in series with k_rxn

It ends at l_inf, where the interphase has become the rest of the coating. Constant laws beyond the
face: closed form (`growth_law.py`); other laws: quadrature (`growth_integral.py`).
Layers and contacts of a stack are per area of the electrode sheet; l is real.
"""

from dataclasses import replace
from enum import IntEnum
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from muli.kernels.constants import MONOLAYER_CM
from muli.kernels.metrics import growth_integral, growth_law
from muli.kernels.metrics.growth_integral import Path, resistance_of
from muli.kernels.metrics.growth_law import Feed
from muli.kernels.metrics.pinned import Faces, before, behind, pinned_faces
from muli.kernels.model.boundary import Window
from muli.kernels.model.laws import Law, constant_sigma_ele
from muli.kernels.model.numbers import Real
from muli.kernels.model.stack import Layer, Stack
from muli.kernels.solvers.guard import guard
from muli.kernels.solvers.solve import solve
from muli.kernels.transport.conductor import as_floats
from muli.outcomes import Status

Scalar = Float[Array, ""]
Curve = Float[Array, " times"]
METALLIC = 1e30
"""S/cm; stands for a sigma_ele that is infinite."""


class Interphase(eqx.Module):
    """The products of an electrolyte at one side, as one layer.

    sigma_ion: S/cm. sigma_ele: a law (S/cm); a constant may be infinite where the products conduct
    electrons. volume_per_charge: cm3 of products per coulomb, V_I/(n F). reaction_rate: cm/s,
    infinite where no reaction limits. volume_ratio: volume of the products over that of the
    electrolyte they came from.
    """

    sigma_ion: Float[Real, ""]
    sigma_ele: Law
    volume_per_charge: Float[Real, ""]
    reaction_rate: Float[Real, ""] = jnp.inf
    volume_ratio: Float[Real, ""] = 1.0


class End(IntEnum):
    """What has become of an interphase at a time."""

    NOTHING_GROWS = 0
    GROWS = 1
    BELOW_MONOLAYER = 2
    CONSUMED = 3


class Grown(eqx.Module):
    """The interphase on one side: one value per time, and the last one of all.

    thickness: l (cm), at most what the whole electrolyte makes. final: l_inf (cm), infinite where
    growth has no end. resistance, final_resistance: ionic, ohm cm2 of the electrode sheet. charge:
    of the lithium given off (cathode side) or taken up (anode side), C/cm2 of the sheet. end:
    codes of `End`.
    """

    thickness: Curve
    final: Scalar
    resistance: Curve
    final_resistance: Scalar
    charge: Curve
    end: Int[Array, " times"]


class Growth(eqx.Module):
    """Both sides, None where no products were given. faces: those of the electrolyte."""

    faces: Faces
    cathode: Grown | None
    anode: Grown | None
    status: Int[Array, ""]


class _Side(NamedTuple):
    """One side of a stack, harmless where nothing grows on it."""

    path: Path
    bare: bool
    grows: Bool[Array, ""]


def growth(
    stack: Stack,
    window: Window,
    times: Curve,
    *,
    cathode: Interphase | None = None,
    anode: Interphase | None = None,
    area_factor: Float[Real, ""] = 1.0,
) -> Growth:
    """Interphases of one stack at times (s) after contact, at open circuit.

    Pure and differentiable; batches are `jax.vmap`. Never raises on values: see `status`, and
    `Grown.end` where that is ok.

    Args:
        stack: thicknesses in cm, conductivities in S/cm, potentials of the electrodes in V vs
            Li/Li+; coatings and contacts of the cathode side per area of the electrode sheet (L/a).
        window: of the electrolyte, V vs Li/Li+.
        times: (times,), s.
        cathode, anode: products of the electrolyte on each side, S/cm and cm3/C; see `Interphase`.
        area_factor: a, interface area over electrode area of the cathode.

    Returns:
        Thicknesses in cm and resistances in ohm cm2, (times,); see `Growth`.
    """
    faces = pinned_faces(stack, window)
    return growth_from(faces, stack, times, cathode=cathode, anode=anode, area_factor=area_factor)


def growth_from(
    faces: Faces,
    stack: Stack,
    times: Curve,
    *,
    cathode: Interphase | None = None,
    anode: Interphase | None = None,
    area_factor: Float[Real, ""] = 1.0,
) -> Growth:
    """`growth` where the faces of the electrolyte are known. Those held at a limit grow.

    Args:
        faces: potentials of the electrolyte's faces, V vs Li/Li+; see `pinned_faces`.
        stack, times, cathode, anode, area_factor: see `growth`.

    Returns:
        Thicknesses in cm and resistances in ohm cm2, (times,); see `Growth`.
    """
    times, area = (jnp.asarray(x, faces.leak.dtype) for x in (times, area_factor))
    wrong = jnp.any(~(times >= 0)) | ~(area > 0)
    status = jnp.where(wrong, Status.INPUT_OUT_OF_RANGE, Status.OK).astype(jnp.int32)
    status = jnp.maximum(faces.status, status)
    products = {True: cathode, False: anode}
    guarded = {side: _guard(one, stack) for side, one in products.items() if one is not None}
    for _, own in guarded.values():
        status = jnp.maximum(status, own)
    usable = status == Status.OK
    times, area = jnp.where(usable, times, 1.0), jnp.where(usable, area, 1.0)
    grown = {}
    for to_cathode, (one, _) in guarded.items():
        share = area if to_cathode else jnp.ones_like(area)
        side = _side(stack, faces, one, share, usable, to_cathode=to_cathode)
        whole = as_floats(stack).layers[stack.electrolyte].thickness * one.volume_ratio
        curve = _grown(side, one, whole, times)
        lost = usable & (jnp.any(jnp.isnan(curve.thickness)) | jnp.isnan(curve.final))
        status = jnp.where(lost, Status.NOT_CONVERGED, status)
        grown[to_cathode] = _blank(curve, usable)
    return Growth(faces, grown.get(True), grown.get(False), status)


def _guard(products: Interphase, stack: Stack) -> tuple[Interphase, Int[Array, ""]]:
    """Products that are safe to use, and what was wrong with those given."""
    sigma_ele = products.sigma_ele
    layer = Layer(1.0, products.sigma_ion, sigma_ele.capped(METALLIC))
    plain = Stack((layer,), stack.E_anode, stack.E_cathode, stack.temperature)
    safe, status = guard(as_floats(plain))
    rest = products.volume_per_charge, products.reaction_rate, products.volume_ratio
    numbers = jnp.stack(as_floats((stack.E_anode, *rest))[1:])
    unknown = jnp.any(jnp.isnan(numbers))
    wrong = jnp.any(numbers <= 0) | jnp.isinf(numbers[0]) | jnp.isinf(numbers[2])
    status = jnp.maximum(status, jnp.where(unknown, Status.MISSING_PROPERTY, Status.OK))
    status = jnp.maximum(status, jnp.where(wrong, Status.INPUT_OUT_OF_RANGE, Status.OK))
    sound, numbers = safe.layers[0], jnp.where(unknown | wrong, 1.0, numbers)
    law = sound.sigma_ele.with_plain_slopes_of(sigma_ele)
    return Interphase(sound.sigma_ion, law, *numbers), status.astype(jnp.int32)


def _side(
    stack: Stack,
    faces: Faces,
    products: Interphase,
    area: Scalar,
    usable: Bool[Array, ""],
    *,
    to_cathode: bool,
) -> _Side:
    """What grows on one side, and what it grows against."""
    if to_cathode:
        E_pin, E_electrode, pinned = faces.E_cathode, stack.E_cathode, faces.cathode_pinned
    else:
        E_pin, E_electrode, pinned = faces.E_anode, stack.E_anode, faces.anode_pinned
    grows = pinned & usable
    E_pin = jnp.where(grows, E_pin, 0.0)
    E_electrode = jnp.where(grows, E_electrode, 1.0 if to_cathode else -1.0)
    part = behind(stack) if to_cathode else before(stack)
    outer = replace(stack, layers=(), interface_asr=None) if part is None else part
    ends = (E_pin, E_electrode) if to_cathode else (E_electrode, E_pin)
    path = Path(
        interphase=Layer(1.0, products.sigma_ion, products.sigma_ele),
        outer=replace(outer, E_anode=ends[0], E_cathode=ends[1], electrolyte=0),
        E_pin=E_pin,
        E_electrode=E_electrode,
        leak=jnp.where(grows, jnp.abs(faces.leak), 0.0),
        volume_per_charge=products.volume_per_charge / area,
        area_factor=area,
        reaction_rate=products.reaction_rate,
        to_cathode=to_cathode,
    )
    return _Side(path, part is None, grows)


def _grown(side: _Side, products: Interphase, whole: Scalar, times: Curve) -> Grown:
    """Thickness against time, and what follows from it. whole: l that takes the electrolyte."""
    path = side.path
    feed = _feed(side)
    if feed is None:
        free = growth_integral.thickness_after(path, times)
        final = growth_integral.final_thickness(path)
    else:
        free = jax.vmap(lambda time: growth_law.thickness_after(feed, time))(times)
        final = growth_law.final_thickness(feed)
    thickness = jnp.where(side.grows, jnp.minimum(free, whole), 0.0)
    final = jnp.where(side.grows, final, 0.0)
    per_length = 1.0 / (products.sigma_ion * path.area_factor)
    end = jnp.where(thickness >= whole, End.CONSUMED, End.GROWS)
    end = jnp.where(thickness < MONOLAYER_CM, End.BELOW_MONOLAYER, end)
    return Grown(
        thickness=thickness,
        final=final,
        resistance=thickness * per_length,
        final_resistance=final * per_length,
        charge=thickness / path.volume_per_charge,
        end=jnp.where(side.grows, end, End.NOTHING_GROWS).astype(jnp.int32),
    )


def _feed(side: _Side) -> Feed | None:
    """What the closed form needs; None where a law beyond the face changes with the potential.

    A bare interphase of any law takes the mean of its conductivity between two fixed potentials.
    """
    path, law = side.path, side.path.interphase.sigma_ele
    drive = jnp.abs(path.E_electrode - path.E_pin)
    resistance = resistance_of(path.outer)
    if side.bare and not law.is_constant:
        log_flux = solve(replace(path.outer, layers=(path.interphase,))).log_leak
        per_length = jnp.exp(jnp.log(drive) - log_flux)
    elif resistance is not None and law.is_constant:
        per_length = 1.0 / path.interphase.sigma_ion + 1.0 / constant_sigma_ele(law)
    else:
        return None
    return Feed(
        drive=drive,
        resistance=jnp.zeros_like(drive) if resistance is None else resistance,
        per_length=per_length / path.area_factor,
        leak=path.leak,
        volume_per_charge=path.volume_per_charge,
        reaction_rate=path.reaction_rate,
    )


def _blank(grown: Grown, usable: Bool[Array, ""]) -> Grown:
    """The same with every number NaN where it must not be used."""
    return Grown(
        thickness=jnp.where(usable, grown.thickness, jnp.nan),
        final=jnp.where(usable, grown.final, jnp.nan),
        resistance=jnp.where(usable, grown.resistance, jnp.nan),
        final_resistance=jnp.where(usable, grown.final_resistance, jnp.nan),
        charge=jnp.where(usable, grown.charge, jnp.nan),
        end=jnp.where(usable, grown.end, End.NOTHING_GROWS),
    )
