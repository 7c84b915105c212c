"""All layers of a stack in one shape, so that one compiled step serves every layer and law.

A constant is a branch law without branches; every table has the length of the longest.
"""

import math
from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.constants import BOLTZMANN_EV
from muli.kernels.model.laws import Branches, Table, aligned_tables
from muli.kernels.model.stack import Stack
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.branches import log_sigma_ele
from muli.kernels.transport.closed_flow import ClosedFlow
from muli.kernels.transport.flow import BranchFlow, Flow
from muli.kernels.transport.panels import lay_panels
from muli.kernels.transport.table_flow import TableFlow

Scalar = Float[Array, ""]
Answer = TypeVar("Answer")


class Medium(eqx.Module):
    """One layer and the current through it: cm, S/cm, A/cm2, V. `media` stacks all of a stack.

    `table` is None where no layer of the stack has a table. `dilute`: all layers without a table as
    branches of one slope, where they are to be crossed in closed form. `tables_alone`: no layer has
    branches, and constants count as tables.
    """

    thickness: Scalar
    sigma_ion: Scalar
    branches: Branches
    table: Table | None
    is_table: Bool[Array, ""]
    current: Scalar
    V_T: Scalar
    E_low: Scalar
    E_high: Scalar
    dilute: Dilute | None = None
    tables_alone: bool = eqx.field(static=True, default=False)

    def ask(self, leak: Scalar, question: Callable[[Flow], Answer]) -> Answer:
        """The answer of this layer's flow at a leak current (A/cm2)."""
        nearly_none = jnp.sqrt(jnp.finfo(leak.dtype).tiny)
        leak = jnp.where((leak == 0) & (self.current == 0), nearly_none, leak)
        a = (self.current + leak) / self.sigma_ion

        def of_branches() -> Answer:
            if self.dilute is not None:
                return question(ClosedFlow(self.dilute, a, leak, self.E_low, self.E_high))
            panels = lay_panels(self.branches, a, leak, self.V_T, self.E_low, self.E_high)
            return question(BranchFlow(panels))

        if self.table is None:
            return of_branches()
        table = TableFlow(self.table, a, leak)
        if self.tables_alone:
            return question(table)
        return jax.lax.cond(self.is_table, lambda: question(table), of_branches)

    def log_sigma_ele(self, E: Scalar) -> Scalar:
        """ln sigma_ele (S/cm) at E (V)."""
        of_branches = log_sigma_ele(self.branches, E, self.V_T)
        if self.table is None:
            return of_branches
        of_table = math.log(10.0) * jnp.interp(E, self.table.E, self.table.log10_sigma)
        return jnp.where(self.is_table, of_table, of_branches)


def media(stack: Stack, E_low: Scalar, E_high: Scalar, dilute: Dilute | None = None) -> Medium:
    """Every layer of a stack, along a leading axis, for potentials between E_low and E_high.

    dilute: see `Medium`.
    """
    laws = [layer.sigma_ele for layer in stack.layers]
    like = stack.E_anode
    is_table = [law.is_table for law in laws]
    return Medium(
        thickness=jnp.stack([layer.thickness for layer in stack.layers]),
        sigma_ion=jnp.stack([layer.sigma_ion for layer in stack.layers]),
        branches=jax.tree.map(
            lambda *rows: jnp.stack(rows), *[law.as_branches(like) for law in laws]
        ),
        table=aligned_tables(laws) if any(is_table) else None,
        is_table=jnp.asarray(is_table),
        current=_repeat(stack.current_density, len(laws)),
        V_T=_repeat(BOLTZMANN_EV * stack.temperature, len(laws)),
        E_low=_repeat(E_low, len(laws)),
        E_high=_repeat(E_high, len(laws)),
        dilute=dilute,
        tables_alone=all(law.is_table or law.is_constant for law in laws),
    )


def _repeat(value: Scalar, count: int) -> Float[Array, " layers"]:
    return jnp.broadcast_to(value, (count,))
