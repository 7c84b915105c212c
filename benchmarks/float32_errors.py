"""float32 against float64 on random realistic stacks: how far off, and what is said about it.

    python benchmarks/float32_errors.py [--stacks 1000000] [--out float32_errors.png]

Electrolyte | coating with branches at open circuit. Both precisions get the same rounded inputs.
The error of E* is divided by max(1, slope): a step cannot be placed better than its inputs. Prints
the distribution of docs/numerics.md and draws its histogram.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import jax
import jax.numpy as jnp
import numpy as np

from muli.kernels import Branches, Layer, Stack, Status, solve

BLOCK = 50_000
EDGES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


@dataclass(frozen=True)
class Errors:
    """Per stack: |error of E*| (V), the same over max(1, slope), and the status in float32."""

    volts: np.ndarray
    scaled: np.ndarray
    status: np.ndarray

    @property
    def unmarked(self) -> np.ndarray:
        """Where float32 says ok."""
        return self.status == Status.OK


def random_stacks(count: int, seed: int) -> np.ndarray:
    """Rows of two branch layers, thicknesses, potentials and temperature, in realistic ranges."""
    random = np.random.default_rng(seed)

    def log_uniform(low: float, high: float) -> np.ndarray:
        return 10.0 ** random.uniform(low, high, count)

    columns = []
    for sigma_ion, L in (((-4.5, -2.0), (-3.0, -1.3)), ((-9.0, -5.0), (-7.3, -4.3))):
        columns += [log_uniform(*L), log_uniform(*sigma_ion)]
        floor = log_uniform(-15, -8) * (random.random(count) < 0.7)
        electrons = log_uniform(-9, -3) * (random.random(count) < 0.8)
        holes = log_uniform(-9, -3)
        columns += [floor, electrons, random.uniform(-0.5, 1.2, count), holes]
        columns += [random.uniform(3.2, 5.2, count)]
    columns += [random.choice([0.0, 0.1, 0.62, 1.55], count), random.uniform(3.4, 4.8, count)]
    columns += [random.uniform(233.15, 398.15, count)]
    return np.stack(columns, axis=1)


@jax.jit
@jax.vmap
def run(p: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """E*, slope and status of one row."""
    layers = tuple(Layer(q[0], q[1], Branches(*q[2:7])) for q in (p[:7], p[7:14]))
    solution = solve(Stack(layers, p[14], p[15], p[16]))
    return solution.nodes[1], solution.slope, solution.status


def errors(count: int, seed: int) -> Errors:
    """Of random stacks; every one of them must be ok in float64."""
    rows = random_stacks(count, seed).astype(np.float32)
    E, _, status = run(jnp.asarray(rows))
    exact, slope, sound = run(jnp.asarray(rows, jnp.float64))
    if E.dtype != jnp.float32 or np.any(np.asarray(sound) != Status.OK):
        raise AssertionError("not a comparison of float32 with a sound float64")
    volts = np.abs(np.asarray(E, float) - np.asarray(exact))
    return Errors(volts, volts / np.maximum(1.0, np.asarray(slope)), np.asarray(status))


def joined(parts: Iterable[Errors]) -> Errors:
    """Of several draws together."""
    rows = list(parts)
    return Errors(*(np.concatenate([getattr(r, k) for r in rows]) for k in Errors.__annotations__))


def describe(found: Errors) -> list[str]:
    """The lines of docs/numerics.md."""
    scaled, count = found.scaled[found.unmarked], found.status.size
    shares = np.bincount(np.searchsorted(EDGES, scaled), minlength=len(EDGES) + 1) / count
    names = [f"below {edge:g} V" for edge in EDGES] + [f"from {EDGES[-1]:g} V"]
    lines = [f"{n:>14} {100 * s:9.4f} %" for n, s in zip(names, shares, strict=True)]
    for code in np.unique(found.status):
        share = 100.0 * np.mean(found.status == code)
        lines.append(f"{Status(code).label:>14} {share:9.4f} %")
    within = 100.0 * np.mean(scaled < 1e-4)
    lines.append(f"{count:,} stacks; of those marked ok {within:.4f} % within 1e-4 V max(1, slope)")
    worst = f"worst of those {scaled.max():.2g}, {found.volts[found.unmarked].max():.2g} V unscaled"
    return [*lines, f"{worst}; median of all {np.median(found.volts):.2g} V"]


def draw(found: Errors, out: Path) -> None:
    """Histogram of the scaled errors, marked stacks apart, on logarithmic axes."""
    from matplotlib.figure import Figure

    bins = np.geomspace(1e-12, 10.0, 66)
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for chosen, label, style in (
        (found.unmarked, "ok", {"color": "#0072B2"}),
        (~found.unmarked, "marked", {"color": "#D55E00", "hatch": "//", "alpha": 0.8}),
    ):
        axes.hist(np.clip(found.scaled[chosen], bins[0], bins[-1]), bins, label=label, **style)
    axes.axvline(1e-4, color="black", linestyle="--", linewidth=1.0)
    axes.set(xscale="log", yscale="log", ylabel="stacks per bin")
    axes.set_xlabel("|E*(float32) - E*(float64)| / max(1, slope)  (V)")
    axes.legend(frameon=False)
    figure.savefig(out, dpi=150)


def main() -> int:
    """Compare, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=None, help="picture: .png, .svg, .pdf")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    sizes = [min(BLOCK, options.stacks - start) for start in range(0, options.stacks, BLOCK)]
    found = joined(errors(size, seed) for seed, size in enumerate(sizes))
    print("\n".join(describe(found)))
    if options.out is not None:
        draw(found, options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
