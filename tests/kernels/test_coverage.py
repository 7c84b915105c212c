"""Coatings with holes against a finite-volume solve of the flux tube around one hole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from muli.kernels.metrics.coverage import Interface, held_holes, in_parallel, max_hole_share

SIGMA, LENGTH = 1e-9, 3e-3
CELL = Interface(SIGMA, LENGTH, 1.2e7, 0.0, 4.2, 2.4)


def graded(start, end, count, fine):
    """Edges from start to end, the first `fine` wide and each wider than the one before."""
    growths = np.linspace(1.0001, 1.5, 4000)
    totals = fine * (growths**count - 1) / (growths - 1)
    growth = np.interp(end - start, totals, growths)
    steps = growth ** np.arange(count)
    return start + np.concatenate([[0.0], np.cumsum(steps / steps.sum())]) * (end - start)


def flux_tube(cell, share, radius, E_hole, count=60):
    """(mean E under the coating, mean flux into the hole) of the axisymmetric tube."""
    b = radius / np.sqrt(share)
    fine = radius / 400
    inner = radius - graded(0.0, radius, count, fine)[::-1]
    outer = graded(radius, b, count, fine)
    r = np.concatenate([inner, outer[1:]])
    z = graded(0.0, cell.thickness, 2 * count, fine)
    rings = np.pi * np.diff(r**2)
    nr, nz = len(rings), len(z) - 1
    number = np.arange(nr * nz).reshape(nr, nz)
    r_mid, z_mid = 0.5 * (r[1:] + r[:-1]), 0.5 * (z[1:] + z[:-1])
    s = cell.sigma
    along = s * 2 * np.pi * r[1:-1, None] * np.diff(z) / np.diff(r_mid)[:, None]
    down = s * rings[:, None] / np.diff(z_mid)
    pairs = [(number[:-1], number[1:], along), (number[:, :-1], number[:, 1:], down)]
    rows, columns, values = [], [], []
    for left, right, conductance in pairs:
        i, j, g = left.ravel(), right.ravel(), conductance.ravel()
        rows += [i, j, i, j]
        columns += [i, j, j, i]
        values += [g, g, -g, -g]
    coated = r_mid > radius
    half = s * rings / z_mid[0]
    film = 1.0 / (1.0 / half + cell.coating_resistance / rings)
    top = np.where(coated, film, half)
    ends = np.where(coated, cell.E_cathode, E_hole)
    bottom = s * rings / (cell.thickness - z_mid[-1])
    right_side = np.zeros(nr * nz)
    for cells, g, E in ((number[:, 0], top, ends), (number[:, -1], bottom, cell.E_anode_face)):
        rows.append(cells)
        columns.append(cells)
        values.append(g)
        right_side[cells] += g * E
    matrix = coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    ).tocsc()
    E = spsolve(matrix, right_side).reshape(nr, nz)
    flux = top * (ends - E[:, 0])
    face = ends - flux * np.where(coated, cell.coating_resistance / rings, 0.0)
    mean = np.sum((face * rings)[coated]) / np.sum(rings[coated])
    return mean, flux[~coated].sum() / rings[~coated].sum()


@pytest.mark.parametrize(
    ("h", "share"), [(0.002, 0.01), (0.01, 0.1), (0.05, 0.3), (0.05, 0.05), (0.05, 0.01)]
)
def test_held_holes_against_finite_volumes(h, share):
    found = held_holes(CELL, 1.0 - share, h * LENGTH)
    E, flux = flux_tube(CELL, share, h * LENGTH, 2.4)
    planar = held_holes(CELL, 1.0, h * LENGTH).E_coated
    assert bool(found.joined)
    assert float(found.E_coated) == pytest.approx(E, abs=0.01 * (2.4 - float(planar)))
    assert float(found.leak_hole) == pytest.approx(flux, rel=0.01)


def test_the_share_of_holes_that_would_undo_the_protection():
    """Holes at the cathode's potential: E* at the limit, by the formula and by finite volumes."""
    radius = 0.005 * LENGTH
    share = float(max_hole_share(CELL, radius))
    E, _ = flux_tube(CELL, share, radius, 4.2)
    assert pytest.approx(2.4, abs=0.01) == E
    marginal = Interface(SIGMA, LENGTH, 7e6, 0.0, 4.2, 2.5)
    assert float(max_hole_share(marginal, 5e-6)) < 2e-3  # 50 nm holes in 30 um
    open_coating = Interface(SIGMA, LENGTH, 1e5, 0.0, 4.2, 2.4)
    assert float(max_hole_share(open_coating, radius)) == 0.0
    assert float(max_hole_share(Interface(SIGMA, LENGTH, 1e5, 0.0, 2.0, 2.4), radius)) == 1.0


def test_columns_side_by_side():
    open_coating = Interface(SIGMA, LENGTH, 1e5, 0.0, 4.2, 2.4)
    found = held_holes(open_coating, 0.9, 5e-6)
    assert not bool(found.joined)
    assert float(found.E_coated) == 2.4
    assert float(found.leak_hole) == pytest.approx(SIGMA / LENGTH * 2.4)
    assert float(in_parallel(0.9, 10.0, 1000.0)) == pytest.approx(1 / (0.9 / 10 + 0.1 / 1000))
    assert float(in_parallel(1.0, 10.0, 0.0)) == 10.0
    assert float(in_parallel(0.9, 10.0, 0.0)) == 0.0


def test_derivatives_are_finite():
    slope = jax.grad(lambda c: held_holes(CELL, c, 5e-6).leak_hole)(jnp.asarray(0.95))
    assert np.isfinite(float(slope))
