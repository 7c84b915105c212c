"""How likely coatings of several layers work, and which combination of thicknesses is recommended.

The same answers as `lines.LinePrograms` gives of single layers. Instead of a thickness in nm it
takes and gives the position on the joint axis of the thicknesses: a screen recommends one of the
combinations that its spec names.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from muli.screen.engine.layered_probabilities import Judged, Layers, judge, points
from muli.screen.engine.lines import BLOCK, LinePrograms, line_of, tables_of
from muli.screen.engine.probabilities import NEVER_AFFORDABLE, THIN_NM, WITHIN
from muli.screen.engine.probability_line import Line, Probabilities, Recommended
from muli.screen.space import layered
from muli.screen.space.evidence import Beliefs
from muli.screen.space.layered_beliefs import LayeredBeliefs
from muli.screen.space.layout import COATING
from muli.screen.space.problem import Problem
from muli.screen.vocabulary import P_COLUMNS

FINE, COARSE = 4096, 1024
"""Draws of a line; the second for screens with many combinations."""
MOST_FINE = 20_000
"""Combinations of coating, scenario and thicknesses up to which all draws are taken."""
STEP = 0.005
_POINTS, _LIMIT, _SAME = "points", "touching_limit", "same"


class LayerPrograms(LinePrograms):
    """`LinePrograms` of coatings of several layers. Thicknesses are positions on the joint axis."""

    def __init__(self, problem: Problem, beliefs: LayeredBeliefs, dtype: str, place: Any) -> None:
        super().__init__(problem, beliefs.layers[0], dtype, place)
        combined = layered.thicknesses(problem.spec)
        self.combinations = np.zeros((1, problem.layers)) if combined is None else combined
        many = problem.space.lines * len(self.combinations) > MOST_FINE
        tables = {_POINTS: points(problem.layers, COARSE if many else FINE)}
        tables[_SAME] = beliefs.same.astype(float)
        tables[f"{_LIMIT}_mean"], tables[f"{_LIMIT}_sd"] = beliefs.limit.mean, beliefs.limit.sd
        for k, layer in enumerate(beliefs.layers[1:], 2):
            axes, own = tables_of(layer)
            self.axes |= {layered.prefix(k) + name: where for name, where in axes.items()}
            tables |= {layered.prefix(k) + name: values for name, values in own.items()}
        for k, contact in enumerate(beliefs.touching, 1):
            for name, values in (("mean", contact.mean), ("sd", contact.sd)):
                self.axes[f"touching_{k}_{name}"] = contact.axes
                tables[f"touching_{k}_{name}"] = values
        self.axes[_SAME] = (COATING,)
        self.tables |= {
            key: jax.device_put(np.asarray(values, dtype), place) for key, values in tables.items()
        }

    @property
    def sums_nm(self) -> NDArray[np.float64]:
        """Thickness of the whole coating at every position, nm."""
        return self.combinations.sum(axis=1)

    def build(self, build: Any) -> None:
        """Compile every program with `build(name, function, *inputs)`."""
        at = np.zeros(len(self.sizes), np.int32), np.zeros(BLOCK, np.int32)
        build("every", self._every, self.tables, *at)
        if self.problem.spec.output.mode == "best":  # the others take every combination
            build("at_thickness", self._at_thickness, self.tables, *at, np.zeros(BLOCK, self.dtype))
            build("bare", self._bare, self.tables, *at)

    def every(self, first: int, offsets: NDArray[np.int64]) -> Judged:
        """Probabilities and median resistance of lines at every position: (lines, positions)."""
        judged: Judged = self._joined("every", first, offsets)
        return judged

    def recommended(self, first: int, offsets: NDArray[np.int64]) -> Recommended:
        """The position and the band of lines: see `chosen`."""
        floor = self.problem.spec.ranking.thinnest_film_nm
        return chosen(self.every(first, offsets), self.sums_nm, floor)

    def nm(self, coordinate: NDArray[Any]) -> NDArray[np.floating]:
        """Thickness of the whole coating at some positions."""
        return self.sums_nm[np.asarray(coordinate, np.int64)]

    def layers_nm(self, coordinate: NDArray[Any]) -> dict[str, NDArray[np.floating]]:
        """Thickness of every layer at some positions, by column."""
        at = self.combinations[np.asarray(coordinate, np.int64)]
        return {f"coating_{k}_thickness_nm": thickness for k, thickness in enumerate(at.T, 1)}

    def layers(self, tables: Any, start: Array, offset: Array) -> Layers:
        """Lines of some coatings with the layers as the last axis."""
        read = self._lookup(start, offset)
        count = self.problem.layers
        by_layer = [self._of_layer(read, tables, k) for k in range(1, count + 1)]
        shape = offset.shape

        def stacked(*values: Any) -> Array:
            spread = [jnp.broadcast_to(jnp.asarray(v, self.dtype), shape) for v in values]
            return jnp.stack(spread, axis=-1)

        contacts = [
            [jnp.broadcast_to(read(tables, f"touching_{k}_{name}"), shape) for k in range(1, count)]
            for name in ("mean", "sd")
        ]
        mean, sd = (jnp.stack(values, axis=-1) for values in contacts)
        limit, limit_sd = (
            jnp.full_like(mean, tables[f"{_LIMIT}_{name}"]) for name in ("mean", "sd")
        )
        lines: Line = jax.tree.map(stacked, *by_layer)
        return Layers(lines, mean, sd, limit, limit_sd, read(tables, _SAME) > 0)

    def _of_layer(self, read: Any, tables: Any, layer: int) -> Line:
        own = layered.prefix(layer)

        def looked(key: str) -> Array:
            return read(tables, own + key if own + key in tables else key)

        return line_of(looked, tables, self.problem.spec.screen)

    def _every(self, tables: Any, start: Array, offset: Array) -> Judged:
        nm = jnp.asarray(self.combinations, self.dtype)
        return self._mapped(tables, start, offset, jnp.broadcast_to(nm, (*offset.shape, *nm.shape)))

    def _at_thickness(
        self, tables: Any, start: Array, offset: Array, thickness: Array
    ) -> tuple[Probabilities, Array]:
        nm = jnp.asarray(self.combinations, self.dtype)[thickness.astype(jnp.int32)]
        judged = self._mapped(tables, start, offset, nm[:, None, :])
        return jax.tree.map(lambda values: values[:, 0], (judged.p, judged.asr_median_ohm_cm2))

    def _mapped(self, tables: Any, start: Array, offset: Array, nm: Array) -> Judged:
        lines_and_nm = self.layers(tables, start, offset), nm
        return jax.lax.map(lambda pair: judge(pair[0], pair[1], tables[_POINTS]), lines_and_nm)


def chosen(found: Judged, sums_nm: NDArray[np.floating], floor_nm: float) -> Recommended:
    """The thinnest combination within 0.005 of the best P(protects and affordable).

    Not thinner than the floor where a combination is not. Of combinations with the same sum the
    first in the order of a ranking. thickness_nm: positions, (lines,). low, high: sums where that
    probability is within nine tenths of the best.

    Args:
        found: (lines, positions).
        sums_nm: thickness of the whole coating at every position.
        floor_nm: of the thinnest film.
    """
    p = found.p
    allowed = sums_nm >= min(floor_nm, sums_nm.max()) * (1.0 - 1e-9)
    transport = np.where(allowed, p.p_transport, -1.0)
    best = transport.max(axis=1, keepdims=True)
    thin = np.where(transport >= best - WITHIN, sums_nm, np.inf).min(axis=1, keepdims=True)
    equal = allowed & (np.abs(sums_nm - thin) <= 1e-9 * thin)
    keys = [
        found.asr_median_ohm_cm2,
        -np.asarray(p.p_protects, float) * p.p_affordable,
        -np.floor(np.asarray(p.p_works, float) / STEP + 1e-6),
        ~equal,
    ]
    position = np.lexsort(keys, axis=1)[:, 0]
    band = transport >= 0.9 * best
    first = np.where(allowed, p.p_affordable, 0.0).max(axis=1)
    return Recommended(
        position,
        np.where(band, sums_nm, np.inf).min(axis=1),
        np.where(band, sums_nm, 0.0).max(axis=1),
        sums_nm[position] < THIN_NM,
        first < NEVER_AFFORDABLE,
        np.take_along_axis(found.asr_median_ohm_cm2, position[:, None], axis=1)[:, 0],
    )


def row_columns(
    believed: LayerPrograms, first: int, offsets: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Columns of every position of lines, (lines, positions), those of a line repeated."""
    judged = believed.every(first, offsets)
    sums = believed.sums_nm
    best = chosen(judged, sums, believed.problem.spec.ranking.thinnest_film_nm)
    shape = judged.asr_median_ohm_cm2.shape
    line = {
        "recommended_thickness_nm": believed.nm(best.thickness_nm),
        "thickness_low_nm": best.thickness_low_nm,
        "thickness_high_nm": best.thickness_high_nm,
        "not_affordable": best.not_affordable,
    }
    return {
        **{name: getattr(judged.p, name) for name in P_COLUMNS},
        "asr_median_ohm_cm2": judged.asr_median_ohm_cm2,
        "thin": np.broadcast_to(sums < THIN_NM, shape),
        **{name: np.broadcast_to(values[:, None], shape) for name, values in line.items()},
    }


def believed_of(
    problem: Problem, beliefs: Beliefs | LayeredBeliefs | None, dtype: str, place: Any
) -> LinePrograms | None:
    """The programs for a screen with distributions; None for one without."""
    if isinstance(beliefs, LayeredBeliefs):
        return LayerPrograms(problem, beliefs, dtype, place)
    return LinePrograms(problem, beliefs, dtype, place) if beliefs else None
