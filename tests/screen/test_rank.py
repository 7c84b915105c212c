"""The ranking: order, ties, groups, unknowns last, Pareto by brute force, safe conditions."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from muli.screen import vocabulary
from muli.screen.errors import StoreError, UsageError
from muli.screen.ranking import rank
from muli.screen.ranking.pareto import non_dominated

NAN, INF = math.nan, math.inf

WORSE_BY_KEY = [
    {"status": "unprotectable"},
    {"status": "missing_property"},
    {"protected": False, "feasible": False},
    {"protected": None, "feasible": None},
    {"reactivity_class": "high"},
    {"reactivity_class": "unknown"},
    {"reactivity_class": "moderate"},
    {"coating_class": "oxidises"},
    {"coating_class": "within_tolerance"},
    {"evidence_sigma_ele": "none"},
    {"evidence_sigma_ele": "range"},
    {"min_thickness_nm": NAN},
    {"min_thickness_nm": INF},
    {"min_thickness_nm": 60.0},
    {"max_sigma_ele_at_L_max_S_cm": 1e-13},
    {"asr_coating_ohm_cm2": 6.0},
    {},
]
"""Rows in the reverse of their order: each is worse than the next by one key."""


@pytest.fixture
def ranking():
    return rank.ranking


def test_order_key_by_key(folder_of, ranking):
    changes = [{"coating": f"c{i}", **change} for i, change in enumerate(WORSE_BY_KEY)]
    expected = [f"c{i}" for i in reversed(range(len(changes)))]
    expected[-2:] = ["c1", "c0"]
    found = ranking(folder_of(changes), top=None).rows
    assert found["coating"].tolist() == expected
    assert found["rank"].tolist() == list(range(1, len(changes) + 1))
    assert not found["tied"].any()


def test_name_decides_between_equals_and_they_share_a_rank(folder_of, ranking):
    found = ranking(
        folder_of(
            [{"coating": c} for c in ("Z", "B", "M")]
            + [{"coating": "A", "asr_coating_ohm_cm2": 9.0}]
        )
    ).rows
    assert found["coating"].tolist() == ["B", "M", "Z", "A"]
    assert found["rank"].tolist() == [1, 1, 1, 4]
    assert found["tied"].tolist() == [True, True, True, False]


def test_each_coating_stands_once_with_its_smallest_feasible_thickness(folder_of, ranking):
    changes = [
        {"coating_thickness_nm": L, "feasible": L >= 40, "protected": L >= 40}
        for L in (10.0, 80.0, 40.0, 60.0)
    ]
    found = ranking(folder_of(changes)).rows
    assert found["coating_thickness_nm"].tolist() == [40.0]


def test_scenarios_are_compared_at_their_defaults_unless_named(folder_of, ranking):
    changes = [
        {"coating": c, "electrolyte_thickness_um": t, "asr_coating_ohm_cm2": t / 10}
        for c, t in itertools.product("AB", (10.0, 28.0, 300.0))
    ]
    folder = folder_of(changes)
    found = ranking(folder)
    assert found.scenario == {"electrolyte_thickness_um": 28.0}
    assert found.rows["electrolyte_thickness_um"].tolist() == [28.0, 28.0]
    named = ranking(folder, where="electrolyte_thickness_um < 1000")
    assert named.scenario == {}
    assert len(named.rows) == 6
    grouped = ranking(folder, per=["electrolyte_thickness_um"], top=1)
    assert grouped.rows["electrolyte_thickness_um"].tolist() == [10.0, 28.0, 300.0]
    assert grouped.rows["rank"].tolist() == [1, 1, 1]


def test_nothing_unknown_comes_first_in_either_direction(folder_of):
    values = [NAN, 3.0, None, INF, -INF, 1.0]
    folder = folder_of([{"coating": str(i), "min_thickness_nm": v} for i, v in enumerate(values)])
    rising = rank.rank(folder, by="min_thickness_nm", top=None)
    assert rising["min_thickness_nm"].tolist()[:4] == [-INF, 1.0, 3.0, INF]
    falling = rank.rank(folder, by="min_thickness_nm desc", top=None)
    assert falling["min_thickness_nm"].tolist()[:4] == [INF, 3.0, 1.0, -INF]
    for found in (rising, falling):
        assert found["min_thickness_nm"].isna().tolist() == [False] * 4 + [True] * 2


def test_by_agrees_with_pandas_on_many_rows(folder_of):
    random = np.random.default_rng(3)
    margins = random.normal(size=500).round(2)
    margins[::7] = NAN
    folder = folder_of([{"oxidation_margin_V": m} for m in margins], rows_per_part=60)
    found = rank.rank(folder, by="oxidation_margin_V", top=40)
    expected = pd.Series(margins).sort_values(ascending=False).head(40)
    assert found["oxidation_margin_V"].tolist() == expected.tolist()
    by_rank = expected.rank(method="min", ascending=False)
    assert found["rank"].tolist() == by_rank.astype(int).tolist()


def test_by_in_groups_agrees_with_pandas(folder_of):
    random = np.random.default_rng(4)
    rows = [
        {"asr_coating_ohm_cm2": a, "family": f}
        for a, f in zip(random.uniform(size=90), random.choice(list("xyz"), 90), strict=True)
    ]
    found = rank.rank(
        folder_of(rows, rows_per_part=20), by="asr_coating_ohm_cm2", per=["family"], top=4
    )
    expected = pd.DataFrame(rows).sort_values(["family", "asr_coating_ohm_cm2"]).groupby("family")
    assert found["asr_coating_ohm_cm2"].tolist() == expected.head(4)["asr_coating_ohm_cm2"].tolist()
    assert found["rank"].tolist() == [1, 2, 3, 4] * 3


def random_rows(seed, count):
    """Rows of a few coatings in a few scenarios, many of them equal in what orders them."""
    random = np.random.default_rng(seed)
    texts = {
        "coating": list("ABCDE"),
        "electrolyte": ["SE1", "SE2"],
        "cathode_state": ["charged", "discharged"],
        "status": ["ok", "ok", "missing_property", "unprotectable"],
        "reactivity_class": ["low", "high", "unknown"],
        "coating_class": ["stable", "oxidises"],
        "evidence_sigma_ele": ["measured", "none"],
    }
    numbers = {
        "electrolyte_thickness_um": [10.0, 28.0, 300.0],
        "coating_thickness_nm": [1.0, 5.0, 20.0],
        "min_thickness_nm": [NAN, 0.0, 40.0, INF],
        "max_thickness_nm": [NAN, 0.0, 100.0],
        "max_sigma_ele_at_L_max_S_cm": [NAN, 1e-12, 1e-13],
        "asr_coating_ohm_cm2": [NAN, 1.0, 2.0],
        "oxidation_margin_V": [NAN, -INF, 0.1, 0.3, 0.3, 0.5, INF],
    }
    drawn = {k: random.choice(v, count).tolist() for k, v in {**texts, **numbers}.items()}
    drawn |= {k: random.choice([True, False, None], count) for k in ("protected", "feasible")}
    return [dict(zip(drawn, each, strict=True)) for each in zip(*drawn.values(), strict=True)]


def plainly_ranked(rows, group, per=(), top=None):
    """(row numbers, ranks, tied): the default order by sorting and nothing else."""

    def last(value):
        return (1, 0.0) if value is None or math.isnan(value) else (0, value)

    def verdict(value):
        return {True: 0, None: 1, False: 2}[value]

    def common(row):
        return vocabulary.STATUSES.index(row["status"]), verdict(row["protected"])

    def order(row):
        low, high = row["min_thickness_nm"], row["max_thickness_nm"]
        share = 0.0 if low <= 0 else INF if high <= 0 else low / high
        return (
            *common(row),
            vocabulary.REACTIVITY_CLASSES.index(row["reactivity_class"]),
            vocabulary.COATING_CLASSES.index(row["coating_class"]),
            vocabulary.EVIDENCE.index(row["evidence_sigma_ele"]),
            last(share),
            last(-row["max_sigma_ele_at_L_max_S_cm"]),
            last(row["asr_coating_ohm_cm2"]),
        )

    def choice(number):
        row = rows[number]
        code = vocabulary.COATING_CLASSES.index(row["coating_class"])
        first = verdict(row["feasible"]), *common(row), code, row["coating_thickness_nm"]
        return first, order(row), number

    best = {}
    for number, row in enumerate(rows):
        key = tuple(row[c] for c in group)
        best[key] = min(best.get(key, number), number, key=choice)
    found = []
    groups = sorted({tuple(rows[n][c] for c in per) for n in best.values()})
    for each in groups:
        own = [n for n in best.values() if tuple(rows[n][c] for c in per) == each]
        own.sort(key=lambda n: (order(rows[n]), rows[n]["coating"]))
        ranks = [1 + sum(order(rows[m]) < order(rows[n]) for m in own) for n in own]
        own, ranks = own[:top], ranks[:top]
        found += [(n, r, ranks.count(r) > 1) for n, r in zip(own, ranks, strict=True)]
    return found


@pytest.mark.parametrize("told", [True, False], ids=["manifest tells axes", "it does not"])
@pytest.mark.parametrize(
    ("per", "where", "top"),
    [
        ((), None, None),
        ((), None, 7),
        (("electrolyte",), None, 2),
        ((), "min_thickness_nm < 50", None),
        ((), "electrolyte_thickness_um < 20", None),
        (("cathode_state",), "asr_coating_ohm_cm2 = 1", 3),
    ],
)
def test_the_order_agrees_with_sorting_by_hand(folder_of, per, where, top, told):
    rows = random_rows(5, 300)
    values = {
        "electrolyte_thickness_um": [10.0, 28.0, 29.0, 300.0],
        "cathode_state": ["charged", "discharged"],
    }
    scenarios = {"scenarios": values} if told else {}
    halves = [
        folder_of(some, name, rows_per_part=40, **scenarios)
        for name, some in (("a", rows[:150]), ("b", rows[150:]))
    ]
    found = rank.ranking(halves, top=top, per=per, where=where)
    kept = {
        None: lambda row: True,
        "min_thickness_nm < 50": lambda row: row["min_thickness_nm"] < 50,
        "electrolyte_thickness_um < 20": lambda row: row["electrolyte_thickness_um"] < 20,
        "asr_coating_ohm_cm2 = 1": lambda row: row["asr_coating_ohm_cm2"] == 1,
    }[where]
    pins = {"electrolyte_thickness_um": 28.0, "cathode_state": "charged"}
    pins = {k: v for k, v in pins.items() if k not in per and k not in (where or "")}
    assert found.scenario == pins
    asked = [r for r in rows if kept(r) and all(r[k] == v for k, v in pins.items())]
    group = ["coating", "electrolyte", "electrolyte_thickness_um", "cathode_state"]
    expected = plainly_ranked(asked, group, per, top)
    assert found.rows["rank"].tolist() == [r for _, r, _ in expected]
    assert found.rows["tied"].tolist() == [t for _, _, t in expected]
    said = found.rows[list(asked[0])].astype(object)
    said = said.where(said.notna(), None).to_dict("records")
    for row, (number, _, tied) in zip(said, expected, strict=True):
        wanted = {k: None if v != v else v for k, v in asked[number].items()}
        if tied:  # equal in all that orders them, and one coating may stand for both
            row, wanted = ({k: r[k] for k in ("coating", *per)} for r in (row, wanted))
        assert row == wanted


@pytest.mark.parametrize("by", ["oxidation_margin_V", "oxidation_margin_V asc"])
def test_by_takes_the_rows_that_sorting_all_takes(folder_of, by):
    rows = random_rows(6, 150)
    folders = [folder_of(rows, name, rows_per_part=40) for name in "ab"]
    every = rank.rank(folders, by=by, top=None)
    for top in (1, 60, 266, 267, 1000):  # 266 of 300 are known
        found = rank.rank(folders, by=by, top=top)
        pd.testing.assert_frame_equal(
            found.drop(columns="tied"), every.head(top).drop(columns="tied"), check_dtype=False
        )
    some = rank.rank(folders, by=by, top=50, where="electrolyte = 'SE1'")["row_id"].tolist()
    assert some == every[every["electrolyte"] == "SE1"]["row_id"][:50].tolist()


def test_several_folders_read_together(folder_of):
    a = folder_of([{"coating": "A"}], name="a")
    b = folder_of([{"coating": "B", "asr_coating_ohm_cm2": 1.0}], name="b")
    assert rank.rank([a, b])["coating"].tolist() == ["B", "A"]


def dominated(points):
    return [any(all(q <= p) and any(q < p) for q in points) for p in points]


@pytest.mark.parametrize("columns", [2, 3])
def test_pareto_agrees_with_comparing_all_pairs(folder_of, columns):
    names = ["coating_thickness_nm", "oxidation_margin_V", "asr_coating_ohm_cm2"][:columns]
    random = np.random.default_rng(columns)
    values = random.integers(0, 12, size=(200, columns)).astype(float)
    changes = [dict(zip(names, row, strict=True)) for row in values]
    changes[5][names[1]] = NAN
    found = rank.rank(folder_of(changes, rows_per_part=50), pareto=names)
    known = [i for i in range(200) if i != 5]
    signed = values[known] * [vocabulary.better(name) for name in names]
    best = {known[i] for i, bad in enumerate(dominated(signed)) if not bad}
    assert set(found["row_id"]) == best
    assert (found["rank"] == 1).all()


def test_non_dominated_blocks_agree_with_pairs():
    random = np.random.default_rng(0)
    points = random.integers(0, 40, size=(2000, 3)).astype(float)
    points[:, 2] = 100 - points[:, 0] - points[:, 1] + random.integers(0, 3, 2000)
    distinct = np.unique(points, axis=0)
    expected = distinct[[not bad for bad in dominated(distinct)]]
    assert len(expected) > 512 // 4
    assert np.array_equal(np.unique(non_dominated(points), axis=0), expected)


def test_unknown_columns_name_the_closest(folder_of):
    folder = folder_of([{}])
    for wrong in (
        {"by": "oxidation_margn_V"},
        {"where": "oxidation_margn_V > 0"},
        {"per": ["oxidation_margn_V"]},
        {"pareto": ["oxidation_margn_V", "row_id"]},
    ):
        with pytest.raises(UsageError, match="closest: oxidation_margin_V"):
            rank.rank(folder, **wrong)
    with pytest.raises(UsageError, match="temperature_K is better by itself"):
        rank.rank(folder, pareto=["temperature_K", "asr_coating_ohm_cm2"])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"top": None},
        {"per": ("electrolyte", "family"), "top": 2},
        {"where": "Min_Thickness_nm < 50 AND row_id % 3 = 0", "top": 5},
        {"by": "leak_current_A_cm2", "top": 7},
        {"by": "coating asc"},
        {"pareto": ("coating_thickness_nm", "oxidation_margin_V")},
    ],
)
def test_very_many_parts_are_ranked_as_few(folder_of, monkeypatch, asked):
    halves = [
        folder_of(some, name, rows_per_part=4)
        for name, some in (("a", random_rows(5, 60)), ("b", random_rows(6, 60)))
    ]
    few = [rank.ranking(folders, **asked) for folders in (halves, halves[:1])]
    monkeypatch.setattr("muli.screen.ranking.held.files_at_a_time", lambda: 4)
    monkeypatch.setattr("muli.screen.ranking.rows.MOST_APART", 0)
    for expected, folders in zip(few, (halves, halves[:1]), strict=True):
        many = rank.ranking(folders, **asked)
        pd.testing.assert_frame_equal(many.rows, expected.rows)
        assert (many.order, many.scenario) == (expected.order, expected.scenario)


def test_unusable_folders_say_why(tmp_path):
    with pytest.raises(StoreError, match="no such folder"):
        rank.rank(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="not the folder of a run"):
        rank.rank(tmp_path)


def test_what_is_unfinished_or_broken_is_said(folder_of, ranking):
    folder = folder_of([{}, {"coating": "B"}], rows_per_part=1, complete=False, stacks=10)
    (folder / "part-00000001.parquet").write_bytes(b"PAR1 truncated")
    found = ranking(folder)
    assert found.rows["coating"].tolist() == ["A"]
    assert "not complete (2 of 10 stacks)" in found.results.warnings[0]
    said = "1 of 2 parts left out: part-00000001.parquet: 14 bytes, expected"
    assert said in found.results.warnings[1]


def test_the_words_of_the_order_are_those_of_the_kernels_and_the_library():
    from muli.candidates import schema
    from muli.kernels import CoatingClass, Status

    assert list(vocabulary.STATUSES) == [status.label for status in Status]
    assert list(vocabulary.COATING_CLASSES) == [each.name.lower() for each in CoatingClass]
    assert [each for each in vocabulary.EVIDENCE if each != "assumed"] == list(schema.EVIDENCE)
