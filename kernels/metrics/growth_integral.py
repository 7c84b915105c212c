"""An interphase that grows behind coatings of any laws: thickness and time by quadrature.

With E the potential between interphase and coating, the flux through interphase and coating is one
number j, so that both l and the rate are explicit in E:

    l(E) = a G_interphase(E_pin, E)/j(E),   j(E) = flux of what is beyond, from E to the electrode
    t(E) = int dl/[(v/a) (j - j_SE)] + l/k_rxn

E runs from E_pin (l = 0) to E_end, where j = j_SE (l = l_inf), or to the electrode where
j_SE = 0. Gauss-Legendre panels: logarithmic towards both ends, where the integrand is singular or
starts from 0, a fraction of V_T wide in between, cut at the points of tables. Conductivities may
bend over V_T and l over any number of decades: both are smooth in this variable. t(l) is inverted
inside one panel.
"""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from muli.kernels.constants import ABSENT, BOLTZMANN_EV
from muli.kernels.model.laws import constant_sigma_ele
from muli.kernels.model.stack import Layer, Stack
from muli.kernels.numerics.root import find_root
from muli.kernels.numerics.safe import log_or_absent
from muli.kernels.solvers.derivatives import solve_chain
from muli.kernels.solvers.march_layers import march
from muli.kernels.transport.conductor import Chain, Piece, as_floats, chain

Scalar = Float[Array, ""]
Curve = Float[Array, " points"]
DECAY = 35.0
"""The outermost panels end e^-35 of V_T from the ends of the interval."""
END_PANELS, MIDDLE_PANELS = 16, 96
_EDGES = np.concatenate(
    [
        np.linspace(-1.0, 0.0, END_PANELS, endpoint=False),
        np.linspace(0.0, 1.0, MIDDLE_PANELS, endpoint=False),
        np.linspace(1.0, 2.0, END_PANELS + 1),
    ]
)
RESOLUTION = 1e-9
"""Newton steps of s below this are the last: the next would be below rounding."""
SHORT = 0.1
"""Distances below this many V_T are short: a conductivity of branches changes by a tenth."""
ROUNDINGS, LOST = 2.0, 0.05
"""Behind several layers a potential is known to two roundings; where these are more than a
twentieth of what is left of the drive, the thickness is unknown."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)


class Path(eqx.Module):
    """From an electrolyte's pinned face to its electrode, per area of the electrode sheet.

    interphase: its conductivities; its thickness is not used. outer: the coatings and contacts
    beyond it, in the order of the cell. E_pin, E_electrode: V. leak: |j_SE|, A/cm2.
    volume_per_charge: v/a. area_factor: a. reaction_rate: k_rxn (cm/s). to_cathode: which
    electrode it is.
    """

    interphase: Layer
    outer: Stack
    E_pin: Scalar
    E_electrode: Scalar
    leak: Scalar
    volume_per_charge: Scalar
    area_factor: Scalar
    reaction_rate: Scalar
    to_cathode: bool = eqx.field(static=True)


class _Route(eqx.Module):
    """A path prepared for thickness and time at any place.

    outer: one layer; or several; or the resistance of constant laws (ohm cm2). heading: +1 where E
    rises towards the electrode, else -1. E_end, width: where j = j_SE, and its distance from E_pin
    (V). gap: its distance from the electrode (V).
    """

    interphase: Piece
    outer: Piece | Chain | Scalar
    E_pin: Scalar
    E_electrode: Scalar
    E_end: Scalar
    gap: Scalar
    heading: Scalar
    width: Scalar
    log_leak: Scalar
    V_T: Scalar
    volume_per_charge: Scalar
    area_factor: Scalar
    reaction_rate: Scalar
    bends: Curve
    to_cathode: bool = eqx.field(static=True)


class _Place(eqx.Module):
    """A potential between E_pin and E_end: its distance from both, and d(distance)/ds (V)."""

    up: Scalar
    down: Scalar
    speed: Scalar


def final_thickness(path: Path) -> Scalar:
    """l_inf (cm): infinite where j_SE = 0, 0 where what arrives does not exceed j_SE."""
    route = _prepare(path)
    endless = path.leak <= 0
    log_final = _log_integral(route, route.width) - jnp.where(endless, 0.0, route.log_leak)
    final = path.area_factor * jnp.exp(log_final)
    return jnp.where(_grows(route), jnp.where(endless, jnp.inf, final), _nothing(route))


def thickness_after(path: Path, times: Curve) -> Curve:
    """l (cm) at times (s)."""
    route = _prepare(path)
    placed = _position(route, times)
    places = jax.vmap(lambda s: _place(route, s))(placed)
    thickness = jax.vmap(lambda place: jnp.exp(_log_thickness(route, place)))(places)
    if isinstance(route.outer, Chain):
        rounded = ROUNDINGS * jnp.finfo(placed.dtype).eps * jnp.abs(route.E_electrode)
        thickness = jnp.where(rounded > LOST * (route.gap + places.down), jnp.nan, thickness)
    return jnp.where(_grows(route) & (times > 0), thickness, _nothing(route))


def resistance_of(outer: Stack) -> Scalar | None:
    """Resistance to neutral lithium (ohm cm2) of constant laws and contacts; None for others."""
    outer = as_floats(outer)
    total = jnp.zeros_like(outer.temperature) + sum(outer.interface_asr or ())
    for layer in outer.layers:
        if not layer.sigma_ele.is_constant:
            return None
        sigma_ele = constant_sigma_ele(layer.sigma_ele)
        total = total + layer.thickness * (1.0 / layer.sigma_ion + 1.0 / sigma_ele)
    return total


def _prepare(path: Path) -> _Route:
    bare = replace(path.outer, interface_asr=None, electrolyte=0)
    alone = replace(bare, layers=(replace(path.interphase, thickness=1.0),))
    heading = jnp.sign(path.E_electrode - path.E_pin)
    still = path.leak <= 0
    log_leak = jnp.where(still, ABSENT, jnp.log(jnp.where(still, 1.0, path.leak)))
    signed = jnp.where(still, 1.0, path.leak) * (heading if path.to_cathode else -heading)
    arrived = march(path.outer, signed, jnp.where(still, 0.0, log_leak), backward=path.to_cathode)
    outer = _outer(path.outer)
    V_T = BOLTZMANN_EV * as_floats(path.outer).temperature
    drop = jnp.abs(path.E_electrode - arrived)
    gap = jnp.where(still, 0.0, _gap(path, outer, drop, log_leak, V_T))
    E_end = path.E_electrode - heading * gap
    return _Route(
        interphase=_one_piece(alone),
        outer=outer,
        E_pin=path.E_pin,
        E_electrode=path.E_electrode,
        E_end=E_end,
        gap=gap,
        heading=heading,
        width=jnp.abs(path.E_electrode - path.E_pin) - gap,
        log_leak=log_leak,
        V_T=V_T,
        volume_per_charge=path.volume_per_charge,
        area_factor=path.area_factor,
        reaction_rate=path.reaction_rate,
        bends=_bends(path),
        to_cathode=path.to_cathode,
    )


def _gap(
    path: Path, outer: Piece | Chain | Scalar, found: Scalar, log_leak: Scalar, V_T: Scalar
) -> Scalar:
    """V between the electrode and E_end; `found`: computed as the difference of both.

    Behind a film that hardly resists, E_end lies within rounding of the electrode. Over so short a
    distance the conductivity is one number, and the gap is j_SE over it.
    """
    if isinstance(outer, Chain):
        return found
    if not isinstance(outer, Piece):
        return jnp.exp(log_leak) * outer
    heading = jnp.sign(path.E_electrode - path.E_pin)
    rounded = 1e4 * jnp.finfo(V_T.dtype).eps * (1.0 + jnp.abs(path.E_electrode))
    short = jnp.minimum(SHORT * V_T, rounded)
    gap = jnp.where(found < short, found, 0.0)
    for _ in range(3):
        log_mean = outer.conductor.log_mean(path.E_electrode - heading * gap, path.E_electrode)
        gap = jnp.exp(log_leak + outer.log_thickness - log_mean)
        gap = jnp.minimum(gap, V_T)
    return jnp.where((gap < short) & ~(found > 2.0 * short), gap, found)


def _outer(stack: Stack) -> Piece | Chain | Scalar:
    resistance = resistance_of(stack)
    if resistance is not None:
        return resistance
    if len(stack.layers) == 1 and stack.interface_asr is None:
        return _one_piece(stack)
    return chain(stack, as_floats(stack))


def _one_piece(stack: Stack) -> Piece:
    return jax.tree.map(lambda leaf: leaf[0], chain(stack, as_floats(stack)).pieces)


def _bends(path: Path) -> Curve:
    """Potentials at which the law of the interphase or of a coating has a corner."""
    layers = path.interphase, *path.outer.layers
    corners = [layer.sigma_ele.corners for layer in layers]
    grids = [jnp.asarray(grid, path.E_pin.dtype) for grid in corners if grid is not None]
    return jnp.concatenate([*grids, jnp.zeros(0, path.E_pin.dtype)])


def _grows(route: _Route) -> Array:
    return route.width > 0


def _nothing(route: _Route) -> Scalar:
    """0, or NaN where the end of growth was not found."""
    return jnp.where(jnp.isnan(route.width), jnp.nan, 0.0)


def _scale(route: _Route) -> tuple[Scalar, Scalar]:
    """Width of the interval, 1 V where nothing grows, and of its logarithmic ends (V)."""
    width = jnp.where(_grows(route), route.width, 1.0)
    return width, jnp.minimum(route.V_T, width / 3.0)


def _place(route: _Route, s: Scalar) -> _Place:
    """The place s in [-1, 2]: logarithmic below 0 and above 1, straight in between."""
    width, d = _scale(route)
    low = d * jnp.exp(DECAY * jnp.minimum(s, 0.0))
    middle = (width - 2.0 * d) * jnp.clip(s, 0.0, 1.0)
    high = d * jnp.exp(-DECAY * jnp.maximum(s - 1.0, 0.0))
    outside = DECAY * jnp.where(s < 0, low, high)
    speed = jnp.where((s < 0) | (s > 1), outside, width - 2.0 * d)
    up = jnp.where(s > 1, width - high, low + middle)
    down = jnp.where(s > 1, high, width - low - middle)
    return _Place(up, down, speed)


def _position_of(route: _Route, E: Scalar) -> Scalar:
    """s of a potential (V); -1 or 2 beyond the ends."""
    width, d = _scale(route)
    up = route.heading * (E - route.E_pin)
    tiny = jnp.finfo(d.dtype).tiny
    low = jnp.log(jnp.maximum(up, tiny) / d) / DECAY
    high = 1.0 - jnp.log(jnp.maximum(width - up, tiny) / d) / DECAY
    middle = (up - d) / (width - 2.0 * d)
    return jnp.clip(jnp.where(up < d, low, jnp.where(width - up < d, high, middle)), -1.0, 2.0)


def _potential(route: _Route, up: Scalar) -> Scalar:
    return route.E_pin + route.heading * up


def _log_integral(route: _Route, up: Scalar) -> Scalar:
    """ln of G_interphase from E_pin over a distance."""
    E = _potential(route, up)
    return log_or_absent(up) + route.interphase.conductor.log_mean(route.E_pin, E)


def _log_supply(route: _Route, place: _Place) -> Scalar:
    """ln j of coatings and contacts from this place to the electrode."""
    E, outer = _potential(route, place.up), route.outer
    rest = route.gap + place.down
    if isinstance(outer, Piece):
        log_mean = outer.conductor.log_mean(E, route.E_electrode)
        return jnp.log(rest) + log_mean - outer.log_thickness
    if isinstance(outer, Chain):
        end = replace(outer, E_anode=E) if route.to_cathode else replace(outer, E_cathode=E)
        answer = solve_chain(end)
        return jnp.log(jnp.abs(answer.leak)) + answer.log_unit
    return jnp.log(rest) - jnp.log(outer)


def _log_surplus(route: _Route, place: _Place, log_supply: Scalar, fall: Scalar) -> Scalar:
    """ln(j - j_SE). One layer: the flux between here and E_end. Several: a difference, and close
    to E_end the straight line, `fall` being -d ln j/d(up)."""
    outer = route.outer
    if isinstance(outer, Piece):
        E, E_end = _potential(route, place.up), _potential(route, route.width)
        return jnp.log(place.down) + outer.conductor.log_mean(E, E_end) - outer.log_thickness
    if not isinstance(outer, Chain):
        return jnp.log(place.down) - jnp.log(outer)
    excess = log_supply - route.log_leak
    close = excess < float(jnp.finfo(excess.dtype).eps) ** (1 / 3)
    excess = jnp.where(close, jnp.maximum(excess, fall * place.down), excess)
    return log_supply + jnp.log(-jnp.expm1(-excess))


def _log_thickness(route: _Route, place: _Place) -> Scalar:
    """ln l (cm) at a place."""
    grown = _log_integral(route, place.up) - _log_supply(route, place)
    return jnp.log(route.area_factor) + grown


def _slopes(route: _Route, place: _Place) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """ln l, d ln l/d(up), ln j and -d ln j/d(up) at a place."""

    def logs(step: Scalar) -> tuple[Scalar, Scalar]:
        moved = _Place(place.up + step, place.down - step, place.speed)
        return _log_thickness(route, moved), _log_supply(route, moved)

    zero = jnp.zeros_like(place.up)
    (log_l, j), (rise, fall) = jax.jvp(logs, (zero,), (jnp.ones_like(zero),))
    return log_l, rise, j, -fall


def _time_rate(route: _Route, s: Scalar) -> Scalar:
    """dt/ds (s)."""
    place = _place(route, s)
    log_l, rise, log_supply, fall = _slopes(route, place)
    surplus = jnp.exp(_log_surplus(route, place, log_supply, fall))
    slowness = 1.0 / (route.volume_per_charge * surplus) + 1.0 / route.reaction_rate
    return jnp.exp(log_l) * rise * place.speed * slowness


def _between(route: _Route, s_0: Scalar, s_1: Scalar) -> tuple[Scalar, Scalar]:
    """Time (s) from one place to the next, and dt/ds at the second."""
    half = 0.5 * (s_1 - s_0)
    nodes = s_0 + half * (1.0 + jnp.asarray([*_NODES, 1.0], half.dtype))
    rates = jax.vmap(lambda s: _time_rate(route, s))(nodes)
    return half * jnp.sum(rates[:-1] * jnp.asarray(_WEIGHTS, half.dtype)), rates[-1]


def _edges(route: _Route) -> Curve:
    """Panel edges: the fixed ones, and the corners of tables."""
    corners = jax.vmap(lambda E: _position_of(route, E))(route.bends)
    fixed = jnp.asarray(_EDGES, route.width.dtype)
    return jax.lax.stop_gradient(jnp.sort(jnp.concatenate([fixed, corners])))


@jax.custom_jvp
def _position(route: _Route, times: Curve) -> Curve:
    """s at times (s), derivatives by the implicit function theorem."""
    edges = _edges(route)
    panels, _ = jax.vmap(lambda a, b: _between(route, a, b))(edges[:-1], edges[1:])
    passed = jnp.cumsum(panels)

    def find(time: Scalar) -> Scalar:
        index = jnp.minimum(jnp.sum(passed < time, dtype=jnp.int32), panels.size - 1)
        start, end = edges[index], edges[index + 1]
        rest = time - (passed[index] - panels[index])

        def excess(s: Scalar) -> tuple[Scalar, Scalar, float]:
            elapsed, rate = _between(route, start, s)
            return elapsed - rest, rate, RESOLUTION

        return find_root(excess, start, end, 0.5 * (start + end))

    return jax.vmap(find)(times)


@_position.defjvp
def _position_jvp(
    primals: tuple[_Route, Curve], tangents: tuple[_Route, Curve]
) -> tuple[Curve, Curve]:
    route, times = primals
    placed = jax.lax.stop_gradient(_position(route, times))
    edges = _edges(route)

    def time_at(route: _Route, s: Scalar) -> Scalar:
        upto = jnp.minimum(edges, s)
        return jnp.sum(jax.vmap(lambda a, b: _between(route, a, b)[0])(upto[:-1], upto[1:]))

    def times_at(route: _Route) -> Curve:
        return jax.vmap(lambda s: time_at(route, s))(placed)

    _, moved = jax.jvp(times_at, (route,), (tangents[0],))
    rates = jax.vmap(lambda s: _time_rate(route, s))(placed)
    return placed, (tangents[1] - moved) / rates
