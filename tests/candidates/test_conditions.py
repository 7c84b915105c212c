"""Conditions of people: what they may say, and that nothing but a condition is ever run."""

import pandas as pd
import pytest

from muli import candidates
from muli.candidates import conditions
from muli.candidates.conditions import ConditionError, judge

FRAME = pd.DataFrame(
    {"name": ["LiF", "Li3PO4", "LiCl"], "gap": [8.7, None, 6.2], "wet": [True, False, None]}
).astype({"wet": "boolean"})


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("gap > 6.5", ["LiF"]), ("NOT wet", ["Li3PO4"]), ("gap IS NULL", ["Li3PO4"]),
        ("materials.gap BETWEEN 6 AND 7", ["LiCl"]), ("GAP > '7'", ["LiF"]), ("null", []),
        ("name LIKE 'Li_' -- a comment", ["LiF"]), ("coalesce(gap, 0) < 1", ["Li3PO4"]),
        ("name COLLATE NOCASE = 'lif' OR name[1:3] = 'LiC'", ["LiF", "LiCl"]),
        ("CASE WHEN wet THEN true END", ["LiF"]), ("true", ["LiF", "Li3PO4", "LiCl"]),
        ("regexp_matches(lower(name), 'cl$') AND abs(-gap) > 1", ["LiCl"]),
    ],
)  # fmt: skip
def test_conditions_choose_rows(sql, kept):
    verdict = judge(FRAME, sql)
    assert FRAME["name"][verdict.fillna(False).to_numpy(bool)].tolist() == kept


WRONG = {
    "1) UNION ALL SELECT 0 FROM materials WHERE (true": "cannot be read",
    "(WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i FROM t) FROM t) > 0": "a subquery",
    "true; CALL enable_logging()": "cannot be read",
    "name IN (SELECT 'LiF')": "a subquery is not allowed",
    "EXISTS (FROM materials)": "a subquery is not allowed",
    "count(*) > 1": "count(*) is not a function of conditions",
    "sum(gap) OVER () > 1": "window function",
    "random() > 0.5": "random is not a function",
    "read_text('/etc/passwd') = ''": "read_text is not a function",
    "getenv('HOME') = ''": "getenv is not a function",
    "current_setting('threads') = '1'": "current_setting is not a function",
    "list_filter([1], x -> x > 1) = [1]": "not a function",
    "COLUMNS('x') > 1": "a star",
    "$1 > 1": "a parameter",
    "gap": "a number, not a condition",
    "5": "a number, not a condition",
    "'LiF'": "text, not a condition",
    "NOT gap": "NOT stands at a number",
    "gap > 1 AND name": "AND stands at text",
    "name > 3": "text is compared with a number",
    "gap > 'wide'": "'wide' is compared with a number",
    "name + 1 > 2": "+ reckons with text",
    "gapp > 1": "unknown column gapp; closest: gap",
    "CAST(name AS INTEGER) > 1": "Conversion Error",
    "name ~ '('": "missing )",
    "gap >": "cannot be read",
    "": "cannot be read",
    "true /*": "cannot be read",
    "NOT " * 900 + "wet": "nested too deeply",
    "NOT " * 300 + "wet": "nested too deeply",
    "a" * 20_000: "a condition has 10,000 at most",
}


@pytest.mark.parametrize("sql", WRONG)
def test_what_is_no_condition_is_refused_in_one_line(sql):
    with pytest.raises(ConditionError) as caught:
        judge(FRAME, sql)
    assert WRONG[sql] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_condition_that_takes_too_long_ends(monkeypatch):
    monkeypatch.setattr(conditions, "LIMIT_S", 0.05)
    many = pd.DataFrame({"name": ["Li" * 500] * 400_000})
    with pytest.raises(ConditionError, match="took longer"):
        judge(many, "regexp_matches(name, '(L|i)+x') OR regexp_matches(name, '(i|L)*y')")


def test_the_tables_of_materials_take_conditions_only():
    with pytest.raises(ValueError, match="where 'count"):
        candidates.load(where="count(*) > 1")
    assert set(candidates.load(where="band_gap_eV > 4")["name"]) < set(candidates.load()["name"])
