"""Lines counted by the thicknesses at which verdicts change, against every thickness by itself."""

from dataclasses import replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import (
    CoatingClass,
    Constant,
    Layer,
    Limits,
    Stack,
    Status,
    Table,
    Window,
    resolve_boundary,
)
from muli.screen.engine.answers import Answers
from muli.screen.engine.pieces import Ruler, judge_pieces, pieces_between
from muli.screen.engine.reduce import NOTHING, code_rows, reduce_lines, reduce_pieces
from muli.screen.engine.stacks import Batch
from muli.screen.engine.thresholds import (
    judge_at,
    status_at,
    thresholds_of_plane,
    thresholds_of_stacks,
)
from muli.screen.vocabulary import NO, OUTCOMES, UNKNOWN, YES
from tests.quick import quick_jit

AXIS = np.geomspace(0.5, 500.0, 50)
GATES = 2


judged = quick_jit(lambda batch, axis: judge_at(thresholds_of_plane(batch), axis))


def random_lines(rng, count, *, contacts):
    """Electrolyte | coating at open circuit, two states; some unknown, some with E_c below E_a, and
    limits that the ends or round numbers meet exactly."""
    shape = count, 2, 1, 1

    def sometimes_unknown(values):
        return np.where(rng.random(values.shape) < 0.05, np.nan, values)

    def volts(low, high, size):
        return np.round(rng.uniform(low, high, size), 1)

    one = count, 1, 1, 1
    asr = tuple(10.0 ** rng.uniform(-1, 1, one) for _ in range(3)) if contacts else None
    E_a = volts(0.0, 2.5, one)
    window = Window(*(sometimes_unknown(volts(*ends, one)) for ends in ((0, 2.5), (1.5, 4.5))))
    own = Window(*(sometimes_unknown(volts(*ends, one)) for ends in ((0, 3.5), (3, 5))))
    layers = [
        Layer(
            length,
            sometimes_unknown(10.0 ** np.round(rng.uniform(*ion, one))),
            Constant(sometimes_unknown(10.0 ** rng.uniform(*ele, one))),
        )
        for length, ion, ele in ((5e-3, (-4, -2), (-10, -7)), (1e-7, (-9, -5), (-14, -9)))
    ]
    boundary = resolve_boundary(E_a, volts(1.0, 5.0, shape), window)
    limits = Limits(window, (own,), 10.0, 3.0, 0.1, np.where(rng.random(one) < 0.5, 1.0, 3.0))
    stack = Stack(tuple(layers), boundary.E_anode, boundary.E_cathode, 298.15, 0.0, asr)
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf,
        Batch(stack, limits, boundary),
    )


def potentials(batch, axis):
    """E* on both sides of the contact, and the coating's other face, by the divider in NumPy."""
    layers = batch.stack.layers
    lengths = np.asarray(layers[0].thickness), axis * 1e-7 / np.asarray(batch.limits.area_factor)
    electrolyte, coating = (
        length * (1 / np.asarray(layer.sigma_ion) + 1 / np.asarray(layer.sigma_ele.sigma_0))
        for length, layer in zip(lengths, layers, strict=True)
    )
    first, middle, last = map(np.asarray, batch.stack.interface_asr or (0.0, 0.0, 0.0))
    E_a, E_c = np.asarray(batch.stack.E_anode), np.asarray(batch.stack.E_cathode)
    leak = (E_c - E_a) / (first + electrolyte + middle + coating + last)
    before = E_a + leak * (first + electrolyte)
    cost = lengths[1] / np.asarray(layers[1].sigma_ion) + first + middle + last
    return before, before + leak * middle, E_c - leak * last, cost


def lines_of_stacks(batch):
    """Thresholds by the kernels' inverse of single stacks."""
    arrays, rest = eqx.partition(batch, eqx.is_array)
    return quick_jit(lambda arrays: thresholds_of_stacks(eqx.combine(arrays, rest)))(arrays)


def test_thresholds_of_any_law_are_those_of_the_plane():
    """The kernels' inverse of single stacks, constant laws, contacts but at the cathode."""
    batch = random_lines(np.random.default_rng(2), 300, contacts=True)
    none = jnp.zeros((1, 1, 1, 1))
    contacts = (*batch.stack.interface_asr[:2], none)
    batch = batch._replace(stack=replace(batch.stack, interface_asr=contacts))
    found, expected = lines_of_stacks(batch), quick_jit(thresholds_of_plane)(batch)
    known = np.asarray(expected.class_known & expected.oxidation_known & expected.reduction_known)
    for name in [name for name, cut in expected.cuts._asdict().items() if cut is not None]:
        cut = getattr(expected.cuts, name)
        a, b = (np.broadcast_to(x, known.shape)[known] for x in (getattr(found.cuts, name), cut))
        np.testing.assert_allclose(a, b, rtol=1e-8, err_msg=name)
    for name in expected._fields[1:]:
        a, b = (np.broadcast_to(getattr(x, name), known.shape) for x in (found, expected))
        np.testing.assert_array_equal(a[known], b[known], err_msg=name)


def near(a, b):
    return np.isclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("contacts", [False, True])
def test_verdicts_are_those_of_the_potentials(contacts):
    """Away from ties, whose side rounding decides."""
    batch = random_lines(np.random.default_rng(1), 4000, contacts=contacts)
    row = judged(batch, AXIS[None, None, None])
    E, inner, outer, cost = potentials(batch, AXIS)
    window, own = batch.limits.electrolyte, batch.limits.coatings[0]
    red, ox = np.asarray(window.reduction), np.asarray(window.oxidation)
    shape = np.broadcast_shapes(E.shape, ox.shape)
    sure = ~(near(E, ox) | near(E, red))
    inside = np.where(np.isnan(E + ox + red), UNKNOWN, (red <= E) & (ox >= E))
    beyond = (ox < E) | (red > E)
    highest = np.maximum(np.asarray(batch.stack.E_anode), np.asarray(batch.stack.E_cathode))
    inside = np.where(beyond & ~np.isnan(E), NO, inside)
    inside = np.where(np.isnan(E) & ~(highest <= ox), UNKNOWN, inside)
    assert (np.asarray(row.protected) == inside)[np.broadcast_to(sure, shape)].all()
    assert {NO, YES, UNKNOWN} == set(np.unique(row.protected))
    ends = np.maximum(inner, outer), np.minimum(inner, outer)
    margins = np.asarray(own.oxidation) - ends[0], ends[1] - np.asarray(own.reduction)
    edges = [near(m, edge) for m in margins for edge in (0.0, -0.1)]
    code = np.where((margins[0] >= 0) & (margins[1] >= 0), CoatingClass.STABLE, 1)
    code = np.where(margins[0] < -0.1, CoatingClass.OXIDISES, code)
    code = np.where(margins[1] < -0.1, CoatingClass.REDUCES, code)
    code = np.where((margins[0] < -0.1) & (margins[1] < -0.1), CoatingClass.BOTH, code)
    sure = ~np.any(edges, axis=0) & ~np.isnan(margins[0] + margins[1])
    assert (np.asarray(row.coating_class) == code)[sure].all()
    assert set(range(6)) == set(np.unique(row.coating_class))
    dear = (cost > 10.0) & ~near(cost, 10.0)
    assert not (np.asarray(row.feasible) == YES)[np.broadcast_to(dear, shape)].any()


def flat_curves(batch, rng):
    """The same stacks with curves of one level over some range, which round potentials bound."""

    def law(sigma_ele):
        low = np.round(rng.uniform(-0.5, 2.5, (*sigma_ele.shape, 1)), 1)
        E = np.concatenate([low, low + 0.1, np.round(rng.uniform(2.7, 5.0, low.shape), 1)], axis=-1)
        return Table(jnp.asarray(E), jnp.broadcast_to(jnp.log10(sigma_ele)[..., None], E.shape))

    layers = [
        replace(layer, sigma_ele=law(layer.sigma_ele.sigma_0)) for layer in batch.stack.layers
    ]
    return batch._replace(stack=replace(batch.stack, layers=tuple(layers)))


@pytest.fixture(scope="module")
def curved():
    """Lines of constant laws, the same with flat curves, and the thresholds of these."""
    rng = np.random.default_rng(5)
    batch = random_lines(rng, 300, contacts=False)
    flat = flat_curves(batch, rng)
    return batch, flat, lines_of_stacks(flat)


def test_the_status_is_that_of_potentials_that_leave_the_range_of_a_curve(curved):
    """Away from ties; verdicts are those of the constant laws."""
    batch, flat, lines = curved
    axis = jnp.asarray(AXIS)[None, None, None]
    E = potentials(batch, AXIS)[0]
    left = tie = np.zeros(E.shape, bool)
    ends = batch.stack.E_anode, batch.stack.E_cathode
    for own, layer in zip(ends, flat.stack.layers, strict=True):
        low, high = (np.asarray(layer.sigma_ele.E[..., end]) for end in (0, -1))
        left = left | (np.minimum(own, E) < low) | (np.maximum(own, E) > high)
        tie = tie | near(E, low) | near(E, high)
    status = np.asarray(status_at(lines, axis, jnp.zeros(E.shape, jnp.int32)))
    expected = np.where(left & ~np.isnan(E), Status.EXTRAPOLATED_TABLE, Status.OK)
    np.testing.assert_array_equal(status[~tie], expected[~tie])
    assert 0.2 < left.mean() < 0.8
    changes = np.diff(status, axis=-1) != 0
    assert set(np.unique(changes.sum(axis=-1))) == {0, 1, 2}
    found, constant = judge_at(lines, axis), judged(batch, axis)
    sure = ~near(E, np.asarray(batch.limits.electrolyte.oxidation))
    sure = sure & ~near(E, np.asarray(batch.limits.electrolyte.reduction))
    np.testing.assert_array_equal(found.protected[sure], constant.protected[sure])


def test_counts_of_lines_with_curves_are_those_of_every_thickness(curved):
    lines = curved[2]
    compare_lines(lines, tied_axis(lines), gating)


def counted(lines, axis, gating):
    """Best and counts by pieces, and by every thickness."""
    ruler, shape = Ruler.of(axis), lines.band.shape[:2]
    axis, starts = jnp.asarray(axis), jnp.asarray(ruler.starts)
    status = jnp.asarray(np.arange(np.prod(shape)).reshape(*shape, 1, 1) % 8, jnp.int32)
    rest = Answers({}, {}, {"status": status})

    def by_pieces(lines):
        cuts = jax.tree.map(lambda cut: ruler.below(cut, axis, starts), lines.cuts)
        at = lines._replace(cuts=cuts)
        pieces = pieces_between(jax.tree.leaves(cuts), shape[0], len(axis))
        coded = judge_pieces(at, rest, pieces, GATES, gating)
        return reduce_pieces(coded, *pieces, gates=GATES)

    def by_rows(lines):
        row = judge_at(lines, axis[None, None, None])
        joint = jnp.max(row.feasible, axis=1, keepdims=True)
        joint = jnp.where((row.feasible == NO).any(axis=1, keepdims=True), NO, joint)
        verdicts = row._asdict() | {"feasible": jnp.broadcast_to(joint, row.feasible.shape)}
        codes = {"status": status_at(lines, axis[None, None, None], rest.codes["status"])}
        answers = Answers({}, verdicts, codes | {"coating_class": verdicts["coating_class"]})
        coded = code_rows(answers, *gating(answers), GATES, (*shape, len(axis)))
        return reduce_lines(coded, GATES)

    return quick_jit(by_pieces)(lines), quick_jit(by_rows)(lines)


def gating(answers):
    """A gate on what is protected, and one on a class that cannot tell where that is unknown."""
    protected, code = answers.verdicts["protected"], answers.codes["coating_class"]
    removed = jnp.where(protected == NO, 1, jnp.where(code == CoatingClass.REDUCES, 2, 0))
    unknown = jnp.where(protected == UNKNOWN, 1, 0)
    unknown = unknown | jnp.where((removed != 1) & (code == CoatingClass.UNKNOWN), 2, 0)
    return removed.astype(jnp.int32), unknown.astype(jnp.int32)


def all_kept(answers):
    zero = jnp.zeros((1, 1, 1, 1), jnp.int32)
    return zero, zero


def compare(count, axis, contacts, gates):
    batch = random_lines(np.random.default_rng(count), count, contacts=contacts)
    compare_lines(thresholds_of_plane(batch), axis, gates)


def compare_lines(lines, axis, gates):
    pieces, rows = counted(lines, axis, gates)
    for name in ("key", "code", "counts"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(rows, name))
    assert (np.asarray(pieces.key) == NOTHING).any() == (gates is gating)
    assert np.asarray(pieces.counts).sum() > lines.band.shape[0] * len(axis)


def tied_axis(lines):
    """Thicknesses that are thresholds of some lines, a rounding apart from them, and others."""
    cuts = np.concatenate([np.asarray(cut).ravel() for cut in jax.tree.leaves(lines.cuts)])
    some = cuts[(cuts > 0.1) & (cuts < 1e4)][:: max(1, len(cuts) // 600)][:300]
    near = [some, np.nextafter(some, 0), np.nextafter(some, 1e9), some * (1 + 1e-9)]
    return np.unique(np.concatenate([*near, AXIS]))


@pytest.mark.parametrize("gates", [all_kept, gating])
def test_counts_by_pieces_are_those_of_every_thickness(gates):
    compare(400, AXIS, contacts=True, gates=gates)
    batch = random_lines(np.random.default_rng(300), 300, contacts=False)
    compare(300, tied_axis(thresholds_of_plane(batch)), contacts=False, gates=gates)


@pytest.mark.full
@pytest.mark.parametrize("contacts", [False, True])
def test_counts_of_a_million_stacks(contacts):
    batch = random_lines(np.random.default_rng(1000), 1000, contacts=contacts)
    for gates in (all_kept, gating):
        compare(1000, tied_axis(thresholds_of_plane(batch)), contacts=contacts, gates=gates)
        compare(20_000, AXIS, contacts=contacts, gates=gates)


@pytest.mark.parametrize(
    "axis",
    [
        np.geomspace(0.5, 500, 200),
        np.linspace(1, 1000, 999),
        np.array([7.0]),
        np.sort(np.concatenate([1 + np.arange(40) * 1e-13, np.geomspace(1e-3, 1e6, 20)])),
    ],
)
def test_positions_are_those_of_a_search(axis):
    rng = np.random.default_rng(0)
    values = [axis, np.nextafter(axis, 0), np.nextafter(axis, 1e9), np.exp(rng.normal(2, 9, 999))]
    values = np.concatenate([*values, [0.0, np.inf]])
    ruler = Ruler.of(axis)
    found = jax.jit(partial(ruler.below, axis=jnp.asarray(axis), starts=jnp.asarray(ruler.starts)))(
        values
    )
    np.testing.assert_array_equal(found, np.searchsorted(axis, values))


def test_a_thickness_at_its_threshold_holds():
    """Round numbers that meet: 100 nm of 1e-6 S/cm cost 10 ohm cm2."""
    batch = random_lines(np.random.default_rng(0), 1, contacts=False)
    known = Window(jnp.zeros((1, 1, 1, 1)), jnp.full((1, 1, 1, 1), 2.31))
    layers = tuple(
        Layer(length, jnp.full((1, 1, 1, 1), ion), Constant(jnp.full((1, 1, 1, 1), ele)))
        for length, ion, ele in ((5e-3, 1e-3, 1e-9), (1e-7, 1e-6, 1e-12))
    )
    ends = jnp.zeros((1, 1, 1, 1)), jnp.full((1, 2, 1, 1), 4.2)
    stack = replace(batch.stack, layers=layers, E_anode=ends[0], E_cathode=ends[1])
    limits = replace(
        batch.limits, electrolyte=known, coatings=(known,), area_factor=jnp.ones((1, 1, 1, 1))
    )
    batch = Batch(stack, limits, resolve_boundary(*ends, known))
    least = 5e-3 * (1e3 + 1e9) * (4.2 - 2.31) / 2.31 / (1e6 + 1e12) * 1e7
    axis = np.array([least * (1 - 1e-9), least, 100.0, 100.0 * (1 + 1e-9)])
    row = judged(batch, axis[None, None, None])
    assert np.asarray(row.protected)[0, 0, 0].tolist() == [NO, YES, YES, YES]
    assert np.asarray(row.feasible)[0, 0, 0].tolist() == [NO, YES, YES, NO]
    assert set(OUTCOMES["protected"].values()) == {NO, YES, UNKNOWN}
