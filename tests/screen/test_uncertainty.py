"""Draws and probabilities against closed forms: constant laws with log-normal ratios."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from muli.kernels import Constant, Layer, Stack, Window, min_thickness, solve
from muli.screen.space.distributions import (
    bands,
    distribution,
    draw,
    importance,
    percentiles,
    protection,
    rank_stability,
)
from tests.quick import quick_jit

E_OX, E_C, L_SE = 2.31, 4.2, 5e-3
COATING = {"lognormal": {"median": 1e-12, "decades": 0.7}}
ELECTROLYTE = {"lognormal": {"median": 1e-9, "decades": 0.4}}


def stack(coating_ele, electrolyte_ele, thickness=1e-6, ion=1.0):
    """Ions so mobile that sigma_amb is sigma_ele: L_min is a product of powers."""
    return Stack(
        (
            Layer(L_SE, ion, Constant(electrolyte_ele)),
            Layer(thickness, ion, Constant(coating_ele)),
        ),
        0.0,
        E_C,
    )


def lognormal_bands(count, seed, reduction=-1.0, budget=1e30):
    values = draw({"cl": COATING, "se": ELECTROLYTE}, count, seed)
    return _bands(jnp.asarray(values["cl"]), jnp.asarray(values["se"]), reduction, budget)


@quick_jit
def _bands(coating_ele, electrolyte_ele, reduction, budget):
    window = Window(reduction, E_OX)
    return jax.vmap(lambda cl, se: bands(stack(cl, se), window, budget))(
        coating_ele, electrolyte_ele
    )


shares = quick_jit(protection)


def exact_probability(thickness):
    """ln L_min is normal: its mean and standard deviation are sums."""
    mean = np.log(L_SE * 1e-12 / 1e-9 * (E_C - E_OX) / E_OX)
    deviation = np.log(10) * np.hypot(0.7, 0.4)
    return stats.norm.cdf((np.log(thickness) - mean) / deviation)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [256, 1024])
def test_p_protected_is_within_three_standard_errors_of_the_exact_value(count, seed):
    thickness = np.geomspace(1e-7, 1e-4, 9)
    found, _ = shares(lognormal_bands(count, seed), thickness)
    exact = exact_probability(thickness)
    error = np.sqrt(exact * (1 - exact) / count)
    assert np.all(np.abs(np.asarray(found) - exact) <= 3 * error)
    assert 0.01 < exact[0] < 0.1 < 0.9 < exact[-1] < 1


def test_sobol_draws_beat_plain_random_draws():
    """Guard: the draws are a low-discrepancy set, not independent ones."""
    thickness = np.geomspace(1e-7, 1e-4, 9)
    exact = exact_probability(thickness)
    errors = [shares(lognormal_bands(1024, s), thickness)[0] - exact for s in range(8)]
    plain = np.sqrt(exact * (1 - exact) / 1024)
    assert np.sqrt(np.mean(np.square(errors), axis=0)).mean() < 0.5 * plain.mean()


def test_the_count_over_bands_is_the_count_of_solved_stacks():
    values = draw({"cl": COATING, "se": ELECTROLYTE}, 128, 3)
    band = lognormal_bands(128, 3, reduction=1.71, budget=1e-6)
    thickness = np.geomspace(1e-7, 1e-5, 7)
    protected, feasible = shares(band, thickness)

    def verdicts(L, cl, se):
        E = solve(stack(cl, se, L)).faces[0, 1]
        return (E >= 1.71) & (E <= E_OX), L / 1.0 <= 1e-6

    grid = quick_jit(jax.vmap(jax.vmap(verdicts, (None, 0, 0)), (0, None, None)))
    held, paid = grid(jnp.asarray(thickness), jnp.asarray(values["cl"]), jnp.asarray(values["se"]))
    np.testing.assert_array_equal(protected, held.mean(axis=1))
    np.testing.assert_array_equal(feasible, (held & paid).mean(axis=1))
    assert 0 < float(feasible.max()) < 1


@pytest.mark.full
def test_a_million_draws_agree_where_nothing_is_closed():
    """Limits and branches uncertain too; the truth is a million solved stacks."""
    spec = {
        "cl": COATING,
        "se": {"loguniform": [1e-9, 1e-8]},
        "ox": {"normal": {"mean": 2.01, "std": 0.05}},
    }
    thickness = np.asarray([3e-7, 1e-6, 3e-6])

    def p(count, seed):
        values = {k: jnp.asarray(v) for k, v in draw(spec, count, seed).items()}
        band = jax.vmap(
            lambda cl, se, ox: bands(stack(cl, se, ion=1e-6), Window(1.71, ox), jnp.inf)
        )(values["cl"], values["se"], values["ox"])
        return np.asarray(protection(band, thickness)[0])

    rng = np.random.default_rng(0)
    million = 10**6
    cl = 10 ** rng.normal(-12, 0.7, million)
    se = 10 ** rng.uniform(-9, -8, million)
    ox = rng.normal(2.01, 0.05, million)
    amb = lambda ele: ele * 1e-6 / (ele + 1e-6)  # noqa: E731
    E = E_C - E_C * (thickness[:, None] / amb(cl)) / (thickness[:, None] / amb(cl) + L_SE / amb(se))
    truth = ((ox >= E) & (E >= 1.71)).mean(axis=1)
    for seed in range(4):
        error = np.sqrt(truth * (1 - truth) / 1024)
        assert np.all(np.abs(p(1024, seed) - truth) <= 3 * error)


def test_draws_follow_their_distribution_and_their_seed():
    spec = {"a": {"uniform": [2.0, 3.0]}, "b": {"loguniform": [1e-9, 1e-7]}, "c": COATING}
    first, again = draw(spec, 1000, 5), draw(spec, 1000, 5)
    for key, values in first.items():
        np.testing.assert_array_equal(values, again[key])
        assert values.shape == (1000,)
        assert stats.kstest(values, distribution(spec[key]).cdf).pvalue > 0.2
    assert not np.array_equal(first["a"], draw(spec, 1000, 6)["a"])


@pytest.mark.parametrize("rho", [-0.8, 0.5, 1.0])
def test_one_cause_correlates_the_normal_scores(rho):
    spec = {
        "a": {**COATING, "cause": "film density"},
        "b": {**COATING, "cause": "film density", "correlation": rho},
    }
    values = draw(spec, 4096, 0)
    found = np.corrcoef(np.log(values["a"]), np.log(values["b"]))[0, 1]
    assert found == pytest.approx(rho, abs=0.02)


def test_the_literature_range_is_drawn_between_its_values():
    values = draw({"s": {"literature": True}}, 256, 0, {"s": (1e-9, 1e-6)})["s"]
    assert values.min() > 1e-9
    assert values.max() < 1e-6
    assert np.median(values) == pytest.approx(10**-7.5, rel=0.05)
    with pytest.raises(ValueError, match="no values of the literature"):
        draw({"s": {"literature": True}}, 8, 0)


def test_gradients_and_sobol_indices_agree_on_a_product_of_powers():
    """ln L_min = ln sigma_cl - ln sigma_se + const: shares are the variances' shares."""
    spec = {"cl": COATING, "se": ELECTROLYTE}
    table = importance(
        lambda x: jnp.log(min_thickness(stack(x["cl"], x["se"]), E_OX)), spec, draws=2048
    ).set_index("property")
    share = 0.7**2 / (0.7**2 + 0.4**2)
    assert list(table.index) == ["cl", "se"]
    assert table.loc["cl", "gradient_share"] == pytest.approx(share, rel=1e-6)
    assert table.loc["cl", "sobol_first"] == pytest.approx(share, abs=0.02)
    assert table.loc["se", "sobol_total"] == pytest.approx(1 - share, abs=0.02)


def test_percentiles_count_infinite_draws_as_the_largest():
    assert percentiles([1.0, 2.0, 3.0, np.inf], (25, 50, 95)) == {
        "p25": 1.0,
        "p50": 2.0,
        "p95": np.inf,
    }


def test_rank_stability_counts_the_draws_in_the_top():
    scores = [[1, 1, 9, np.inf], [2, 3, 1, np.inf], [3, 2, 2, np.inf]]
    np.testing.assert_allclose(rank_stability(scores, 1), [0.5, 0.25, 0.0])
    np.testing.assert_allclose(rank_stability(scores, 2), [0.5, 0.5, 0.5])
