"""Layers of one slope: all stacks of a batch at once, at open circuit and under current.

The unknowns are the gaps d_k = E_k - E_{k-1} of the layers, which are positive and add up to
E_cathode - E_anode, and ln j. A start comes from bisections of ln j on a sketch of every layer
(`muli.kernels.solvers.sketch`). Newton steps on the differences of ln flux follow, in float32,
and the last ones in float64. A gap much below V_T is explicit, j over the conductance. A shrinking
gap is multiplied by exp(change/gap), so that all stay positive. Nodes are added up from either
electrode as far as the largest gap, so that small gaps keep their digits.
Whether the last step was small, and every layer carries the same current before it, is returned:
a stack that fails is for another solver.

Under a current I of the sign of j, dE/dx = (I + j)/sigma_ion + j/sigma_ele is that of an open
circuit with sigma_ion j/(I + j) in place of sigma_ion. The fluxes then depend on ln j, too, with
derivatives eta between 0 and 1: the moves are those at fixed fluxes and those by eta, and ln j
changes until it is the flux that the layers carry.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.numerics.safe import bounded_exp
from muli.kernels.solvers.sketch import start, with_ions_lowered
from muli.kernels.transport.ambipolar import Dilute

Rows = Float[Array, "layers stacks"]
Row = Float[Array, "1 stacks"]
LAST_STEPS = 2
NARROW = 1e-3
"""Gap, in V_T, below which the conductance of a layer is that at its face."""
LAST_STEP = 1e-7
"""V; the largest last step of a node that is trusted: what is left is its square over V_T."""
LAST_MISS = 1e-4
"""Largest difference of ln flux before the last step."""


FARTHEST_RISE = 2.0
"""Largest step of ln j."""


class Care(NamedTuple):
    """Newton steps before the last ones, the farthest a node moves in one (V), and their type."""

    steps: int
    reach: float
    double: bool


QUICK = Care(10, 1.0, False)
PATIENT = Care(80, 0.2, True)


class Layered(NamedTuple):
    """Stacks whose potential rises: layers along the first axis, stacks along the last.

    log_current: ln of a current that has the sign of j (A/cm2); None at open circuit.
    """

    conductor: Dilute
    log_thickness: Rows
    E_anode: Row
    E_cathode: Row
    log_current: Row | None = None


class Found(NamedTuple):
    """Nodes (V), ln j, whether the last step was small, and the coefficients of that step."""

    inner: Float[Array, "inner stacks"]
    log_leak: Row
    good: Bool[Array, "1 stacks"]
    ladder: "Ladder"


class Ladder(NamedTuple):
    """d ln flux of every layer by -E on its anode side, by E on its cathode side (1/V), by ln j."""

    near: Rows
    far: Rows
    by_leak: Rows


class _State(NamedTuple):
    """Gaps (V), ln j, the largest move of a node (V) and the largest difference of ln flux."""

    gaps: Rows
    log_leak: Row
    moved: Row
    missed: Row
    ladder: Ladder


def find(stacks: Layered, care: Care) -> Found:
    """Nodes of every stack; the last steps are in float64 where that is enabled."""
    fine = jax.tree.map(lambda x: x.astype(jnp.result_type(float)), stacks)
    coarse = jax.tree.map(lambda x: x.astype(jnp.float32), stacks)
    gaps, log_leak = start(*coarse)
    nothing = jnp.zeros_like(log_leak)
    state = _State(gaps, log_leak, nothing, nothing, Ladder(gaps, gaps, gaps))
    first = fine if care.double else coarse
    for numbers, steps in ((first, care.steps), (fine, LAST_STEPS)):
        state = jax.tree.map(lambda x, n=numbers: x.astype(n.E_anode.dtype), state)
        state = state._replace(gaps=_closed(numbers, state.gaps))
        step = partial(_step, numbers, care.reach)
        state = jax.lax.fori_loop(0, steps, lambda _, s, step=step: step(s), state)
    left, _ = _faces(fine, state.gaps)
    good = (state.moved <= LAST_STEP) & (state.missed <= LAST_MISS)
    good &= jnp.all(state.gaps > 0, axis=0, keepdims=True) & jnp.isfinite(state.log_leak)
    return Found(left[1:], state.log_leak, good, state.ladder)


def _step(stacks: Layered, reach: float, state: _State) -> _State:
    """One Newton step on all gaps, shortened where a node would move too far."""
    left, right = _faces(stacks, state.gaps)
    conductor, mean, by_leak = _means(stacks, left, right, state.log_leak)
    narrow = state.gaps < NARROW * conductor.volt
    gaps = jnp.where(narrow, bounded_exp(state.log_leak - mean), state.gaps)
    flux = jnp.where(narrow, state.log_leak, jnp.log(gaps) + mean)
    near = bounded_exp(conductor.log_sigma(left) - stacks.log_thickness - flux)
    far = bounded_exp(conductor.log_sigma(right) - stacks.log_thickness - flux)
    best = jnp.argmin(near + far, axis=0, keepdims=True)

    def respond(sources: Rows) -> tuple[Rows, Rows, Row]:
        """Moves on both sides of every layer, and what all sources come to with them."""
        moves = _respond(near, far, sources)
        fixed = jnp.zeros_like(moves[:1])
        before, after = jnp.concatenate([fixed, moves]), jnp.concatenate([moves, fixed])
        return before, after, _at(sources + far * after - near * before, best)

    before, after, log_leak = respond(flux)
    if stacks.log_current is not None:
        before_by, after_by, gain = respond(by_leak)
        rise = (log_leak - state.log_leak) / (1.0 - gain)
        rise = jnp.clip(rise, -FARTHEST_RISE, FARTHEST_RISE)
        before, after = before + rise * before_by, after + rise * after_by
        log_leak = state.log_leak + rise
    moves = after[:-1]
    carried = jnp.log(state.gaps) + mean + by_leak * (log_leak - state.log_leak)
    missed = jnp.max(jnp.abs(carried - log_leak), axis=0, keepdims=True)
    moved = jnp.max(jnp.abs(moves), axis=0, keepdims=True)
    shorter = jnp.minimum(1.0, reach / jnp.maximum(moved, reach))
    change = shorter * (after - before) / gaps
    grown = gaps * jnp.where(change < 0, jnp.exp(jnp.minimum(change, 0.0)), 1.0 + change)
    gaps = _closed(stacks, jnp.where(narrow, gaps, grown))
    return _State(gaps, log_leak, moved, missed, Ladder(near, far, by_leak))


def _means(stacks: Layered, left: Rows, right: Rows, log_leak: Row) -> tuple[Dilute, Rows, Rows]:
    """Conductors at this current, ln(mean conductance) of every layer, and its change by ln j."""
    if stacks.log_current is None:
        mean = stacks.conductor.log_mean(left, right) - stacks.log_thickness
        return stacks.conductor, mean, jnp.zeros_like(mean)
    excess = stacks.log_current - log_leak
    share = jax.nn.softplus(excess)
    lowered = with_ions_lowered(stacks.conductor, share)
    mean, by_share = jax.jvp(
        lambda share: with_ions_lowered(stacks.conductor, share).log_mean(left, right),
        (jnp.broadcast_to(share, left.shape),),
        (jnp.ones_like(left),),
    )
    return lowered, mean - stacks.log_thickness, -by_share * jax.nn.sigmoid(excess)


def _at(rows: Rows, layer: Array) -> Row:
    """Of every stack the entry of one layer."""
    numbers = jnp.arange(rows.shape[0], dtype=layer.dtype)[:, None]
    return jnp.sum(jnp.where(numbers == layer, rows, 0.0), axis=0, keepdims=True)


def _closed(stacks: Layered, gaps: Rows) -> Rows:
    """Gaps scaled to their sum; the largest takes what rounding leaves."""
    whole = stacks.E_cathode - stacks.E_anode
    gaps = gaps * (whole / jnp.sum(gaps, axis=0, keepdims=True))
    largest = _largest(gaps)
    others = jnp.where(largest, 0.0, gaps)
    return jnp.where(largest, whole - jnp.sum(others, axis=0, keepdims=True), gaps)


def _largest(gaps: Rows) -> Bool[Array, "layers stacks"]:
    """Marks one layer of every stack."""
    layer = jnp.arange(gaps.shape[0], dtype=jnp.int32)[:, None]
    return layer == jnp.argmax(gaps, axis=0, keepdims=True).astype(jnp.int32)


def _faces(stacks: Layered, gaps: Rows) -> tuple[Rows, Rows]:
    """Anode-side and cathode-side face of every layer (V): sums of gaps from the electrode on the
    same side of the largest gap."""
    largest = _largest(gaps)
    from_anode = [stacks.E_anode]
    from_cathode = [stacks.E_cathode]
    for k in range(gaps.shape[0] - 1):
        from_anode.append(from_anode[-1] + gaps[k : k + 1])
        from_cathode.append(from_cathode[-1] - gaps[gaps.shape[0] - 1 - k : gaps.shape[0] - k])
    passed, nodes = largest[:1], [stacks.E_anode]
    for k in range(1, gaps.shape[0]):
        nodes.append(jnp.where(passed, from_cathode[-k], from_anode[k]))
        passed = passed | largest[k : k + 1]
    nodes.append(stacks.E_cathode)
    return jnp.concatenate(nodes[:-1]), jnp.concatenate(nodes[1:])


def _respond(near: Rows, far: Rows, flux: Rows) -> Float[Array, "inner stacks"]:
    """Moves of the nodes that make all ln fluxes equal, as `derivatives.respond` for one stack."""
    tiny = jnp.finfo(flux.dtype).tiny
    held = far[0]
    pivots: list[Array] = []
    values: list[Array] = []
    for k in range(flux.shape[0] - 1):
        value = flux[k + 1] - flux[k]
        if k:
            value = value + near[k] / pivots[-1] * values[-1]
            held = far[k] * (held / pivots[-1])
        pivots.append(jnp.maximum(held + near[k + 1], tiny))
        values.append(value)
    moves: list[Array] = []
    for k in reversed(range(len(values))):
        coupled = far[k + 1] * moves[0] if moves else 0.0
        moves.insert(0, (values[k] + coupled) / pivots[k])
    return jnp.stack(moves)
