"""Conditions of a person are conditions only: nothing is executed, read or changed."""

import pytest

from muli.screen.errors import UsageError
from muli.screen.ranking import rank

HOSTILE = [
    "read_csv('/etc/passwd') IS NOT NULL",
    "coating IN (SELECT content FROM read_text('/etc/passwd'))",
    "EXISTS (FROM 'secret.csv')",
    "1=1; COPY (SELECT 1) TO 'stolen.csv'",
    "1=1) TO 'stolen.csv' --",
    "1=1; ATTACH 'x.db'",
    "1=1; INSTALL httpfs",
    "1=1; PRAGMA database_list",
    "1=1; SET enable_external_access = true",
    "1=1 UNION SELECT 1",
    "1=1 LIMIT 0",
    "getenv('HOME') = 'x'",
    "row_number() OVER () = 1",
    "sum(row_id) > 0",
    "*",
    "",
    "coating = ",
]


@pytest.mark.parametrize("condition", HOSTILE)
def test_a_condition_is_only_a_condition(folder_of, tmp_path, monkeypatch, condition):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    folder = folder_of([{}])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError) as caught:
        rank.rank(folder, where=condition or " ")
    assert caught.value.exit_code == 2
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_the_connection_itself_refuses_files_and_settings(folder_of, tmp_path):
    import duckdb

    from muli.screen.dataset.results import open_results
    from muli.screen.ranking import sql

    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    parts = open_results(folder_of([{}])).parts
    connection = sql.connect(parts)
    assert connection.execute(f"SELECT count(*) FROM '{parts[0]}'").fetchone() == (1,)
    bar = "SELECT current_setting('enable_progress_bar')"
    assert connection.execute(bar).fetchone() == (False,)
    for statement in (
        f"SELECT * FROM read_csv('{other}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'x.db'}'",
        "SET enable_external_access = true",
        "SET memory_limit = '1TB'",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)


@pytest.mark.parametrize(("kind", "column"), [("float", "FLOAT"), ("double", "DOUBLE")])
def test_a_value_is_found_in_the_precision_it_was_stored_in(kind, column):
    import duckdb

    from muli.screen.ranking import sql

    for value in (3.4, 1e-12, float("inf")):
        query = f"SELECT count(*) FROM (SELECT '{value}'::{column} AS \"a.b\") WHERE "
        assert duckdb.execute(query + sql.equals("a.b", value, kind)).fetchone() == (1,)
    assert sql.equals("name", "it's", "string") == "\"name\" = 'it''s'"


def test_powers_of_ten_in_a_condition_are_those_that_are_stored():
    import duckdb

    from muli.screen.ranking import sql

    given = """a = 1e-12 AND a < .5E3 AND "x1e-3" = '2e5 it''s' AND b2e1 > 1.e+1 -- 7e7"""
    meant = (
        "a = (1e-12::FLOAT) AND a < (.5E3::FLOAT) AND \"x1e-3\" = '2e5 it''s' "
        "AND b2e1 > (1.e+1::FLOAT) -- 7e7"
    )
    assert sql.as_stored(given, ["string", "float"]) == meant
    assert sql.as_stored(given, ["string", "double"]) == given
    query = "SELECT count(*) FROM (SELECT '1e-12'::FLOAT AS a) WHERE "
    assert duckdb.execute(query + sql.as_stored("a = 1e-12", ["float"])).fetchone() == (1,)
