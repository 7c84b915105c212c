"""The range of growth in the cells of a spec: 5 to 95 % over everything that is uncertain.

    beliefs_of = beliefs(problem)
    spread(problem, beliefs_of, at, thickness_nm, times_s, ageing)["interphase_nm"].low

Conductivities of coating and electrolyte and its limits have the distributions by which coatings
are ranked, products those of the library; numbers that the spec gives are exact.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from muli.kernels import ageing
from muli.kernels.constants import BOLTZMANN_EV, CM_PER_NM
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.engine.life import Asked, Products, drawn_row, product_tables, products_at
from muli.screen.engine.lines import LinePrograms
from muli.screen.engine.probability_line import Line
from muli.screen.space.distributions import normal_scores
from muli.screen.space.evidence import Beliefs
from muli.screen.space.facts import Positions
from muli.screen.space.problem import Problem
from muli.screen.space.products import TOUCHES
from muli.screen.spec import Ageing
from muli.screen.vocabulary import IN_TIME

Floats = NDArray[np.float64]
DRAWS, DIMENSION, SEED = 256, 14, 20
PERCENT = (5.0, 95.0)


class Band(NamedTuple):
    """5 and 95 % at every time, (cells, times) each."""

    low: Floats
    high: Floats


def spread(
    problem: Problem,
    believed: Beliefs,
    at: Positions,
    thickness_nm: Floats,
    times_s: Floats,
    asked: Ageing,
) -> dict[str, Band]:
    """Bands of the columns in time. at: positions of every cell, `line` among them."""
    with jax.enable_x64(True):
        lines = LinePrograms(problem, believed, "float64", None).lines(0, problem.space.lines)
        line = jax.tree.map(lambda x: x[at["line"]], lines)
        V_T = BOLTZMANN_EV * problem.numbers["temperature_K"][at["temperature_K"]]
        tables = product_tables(problem)
        layers = [
            products_at(lambda key: tables[key][at["electrolyte"]], side, V_T) for side in TOUCHES
        ]
        holes = np.array([asked.coverage, asked.hole_radius_nm * CM_PER_NM])
        low, high = _bands(line, layers, np.asarray(thickness_nm, float), times_s, holes)
    return {name: Band(np.asarray(low[name]), np.asarray(high[name])) for name in IN_TIME}


@kept("bands of growth", QUICK_COMPILE)
def _bands(lines: Line, made: list[Products], nm: Any, times: Any, holes: Any) -> Any:
    """Percentiles of every cell, by column."""
    scores = jnp.asarray(normal_scores(DIMENSION, DRAWS, SEED))
    request = Asked(0.0, 1.0, holes[0], holes[1])

    def of_cell(line: Line, coated: Products, bare: Products, anode: Products, nm: Any) -> Any:
        under = jax.tree.map(lambda a, b: jnp.where(nm > 0, a, b), coated, bare)

        def column(z: Any) -> dict[str, Any]:
            row = drawn_row(line, under, bare, anode, nm, request, z)
            grown = ageing(row, times, times[-1])
            return {name: getattr(grown, name) for name in IN_TIME}

        drawn = jax.vmap(column)(scores)
        return jax.tree.map(lambda x: jnp.nanpercentile(x, jnp.array(PERCENT), axis=0), drawn)

    coated, bare, anode = made
    bands = jax.vmap(of_cell)(lines, coated, bare, anode, nm)
    return [{name: values[:, place] for name, values in bands.items()} for place in range(2)]
