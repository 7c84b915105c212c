"""Which faces of an electrolyte are held at its own limits: both faces decided together.

In steady state E_red <= E_face <= E_ox at both faces. A face inside the window grows nothing; at a
face held at a limit neutral lithium is taken away (E_ox) or brought (E_red). The potentials
minimise a convex function (the content of the network of layers) on the square of the two windows,
so that exactly one solution exists. Each face moves upwards with the other:

    g(E_a): where the cathode-side face lies when the anode-side face is held at E_a
    f(E_c): the other way round

If g(f(E_ox)) reaches E_ox, the cathode-side face is held there; if g(f(E_red)) falls to E_red, it
is held there; else it is free, and the anode-side face is the one of the stack without limits,
moved into the window.
"""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from muli.kernels.model.boundary import Window
from muli.kernels.model.stack import Layer, Stack
from muli.kernels.solvers.solve import solve
from muli.kernels.transport.conductor import as_floats
from muli.outcomes import Status

Scalar = Float[Array, ""]


class Faces(eqx.Module):
    """Potentials at both faces of the electrolyte (V), and which of them are held at a limit.

    leak: j through the electrolyte between them (A/cm2), signed, positive towards the cathode.
    """

    E_anode: Scalar
    E_cathode: Scalar
    anode_pinned: Bool[Array, ""]
    cathode_pinned: Bool[Array, ""]
    leak: Scalar
    status: Int[Array, ""]


def pinned_faces(stack: Stack, window: Window) -> Faces:
    """Both faces of a stack's electrolyte, held inside its window (V vs Li/Li+) by interphases.

    E_anode and E_cathode of the stack are the electrodes'; open circuit. A limit that is unknown
    (NaN) holds nothing.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        window: of the electrolyte, V vs Li/Li+.

    Returns:
        Potentials of both faces (V vs Li/Li+) and which of them a limit holds.
    """
    stack, window = _numbers(stack, window)
    low, high = window.reduction, window.oxidation
    ends = jnp.stack([low, high])
    held_status, held = jax.vmap(lambda E: _anode_face(stack, E))(ends)
    alone_status, alone = _free_anode_face(stack)
    anode_status, anode = jnp.append(held_status, alone_status), jnp.append(held, alone)
    tried = jnp.clip(anode, low, high)
    cathode_status, cathode = jax.vmap(lambda E: _cathode_face(stack, E))(tried)
    at_low, at_high = cathode[0] < low, cathode[1] > high
    taken = jnp.where(at_high, 1, jnp.where(at_low, 0, 2))
    E_a, E_c = tried[taken], jnp.clip(cathode[taken], low, high)
    leak_status, leak = _leak(stack, E_a, E_c)
    status = jnp.stack([anode_status[taken], cathode_status[taken], leak_status])
    return Faces(E_a, E_c, anode[taken] != E_a, cathode[taken] != E_c, leak, jnp.max(status))


def before(stack: Stack) -> Stack | None:
    """Layers and contacts between the anode and the electrolyte, None where it is bare."""
    index = stack.electrolyte
    contacts = None if stack.interface_asr is None else stack.interface_asr[: index + 1]
    return _part(stack, stack.layers[:index], contacts)


def behind(stack: Stack) -> Stack | None:
    """Layers and contacts between the electrolyte and the cathode, None where it is bare."""
    index = stack.electrolyte + 1
    contacts = None if stack.interface_asr is None else stack.interface_asr[index:]
    return _part(stack, stack.layers[index:], contacts)


def _part(
    stack: Stack, layers: tuple[Layer, ...], contacts: tuple[Any, ...] | None
) -> Stack | None:
    if not layers and contacts is None:
        return None
    return replace(stack, layers=layers, interface_asr=contacts, electrolyte=0)


def _numbers(stack: Stack, window: Window) -> tuple[Stack, Window]:
    """Potentials as arrays; a limit that is unknown becomes one that no face reaches."""
    E_anode, E_cathode, low, high = as_floats(
        (stack.E_anode, stack.E_cathode, window.reduction, window.oxidation)
    )
    beyond = jnp.abs(E_cathode - E_anode) + 1.0
    low = jnp.where(jnp.isnan(low), jnp.minimum(E_anode, E_cathode) - beyond, low)
    high = jnp.where(jnp.isnan(high), jnp.maximum(E_anode, E_cathode) + beyond, high)
    return replace(stack, E_anode=E_anode, E_cathode=E_cathode), Window(low, high)


def _anode_face(stack: Stack, E_cathode_face: Scalar) -> tuple[Int[Array, ""], Scalar]:
    """f: the anode-side face when the cathode-side face is held."""
    if before(stack) is None:
        return jnp.asarray(Status.OK, jnp.int32), stack.E_anode
    last = stack.electrolyte + 1
    contacts = None
    if stack.interface_asr is not None:
        contacts = (*stack.interface_asr[:last], jnp.zeros_like(E_cathode_face))
    held = replace(
        stack, layers=stack.layers[:last], E_cathode=E_cathode_face, interface_asr=contacts
    )
    solution = solve(held)
    return solution.status, solution.faces[-1, 0]


def _cathode_face(stack: Stack, E_anode_face: Scalar) -> tuple[Int[Array, ""], Scalar]:
    """g: the cathode-side face when the anode-side face is held."""
    if behind(stack) is None:
        return jnp.asarray(Status.OK, jnp.int32), stack.E_cathode
    first = stack.electrolyte
    contacts = None
    if stack.interface_asr is not None:
        contacts = (jnp.zeros_like(E_anode_face), *stack.interface_asr[first + 1 :])
    held = replace(
        stack,
        layers=stack.layers[first:],
        E_anode=E_anode_face,
        interface_asr=contacts,
        electrolyte=0,
    )
    solution = solve(held)
    return solution.status, solution.faces[0, 1]


def _free_anode_face(stack: Stack) -> tuple[Int[Array, ""], Scalar]:
    """The anode-side face of the stack without limits."""
    if before(stack) is None:
        return jnp.asarray(Status.OK, jnp.int32), stack.E_anode
    solution = solve(stack)
    return solution.status, solution.faces[stack.electrolyte, 0]


def _leak(stack: Stack, E_a: Scalar, E_c: Scalar) -> tuple[Int[Array, ""], Scalar]:
    """j between two potentials at the faces of the electrolyte."""
    alone = replace(
        stack,
        layers=(stack.layers[stack.electrolyte],),
        E_anode=E_a,
        E_cathode=E_c,
        interface_asr=None,
        electrolyte=0,
    )
    solution = solve(alone)
    return solution.status, solution.leak_current_density
