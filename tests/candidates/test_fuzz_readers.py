"""Mutated inputs of every reader: no traceback, no hang, no entry lost or changed in silence."""

# ruff: noqa: PT017  (most inputs are refused, some are not: what a refusal says is checked)

import copy
import csv
import io
import json
import random
import re
import time
from pathlib import Path

import pandas as pd
import pytest

from muli import candidates
from muli.candidates.formula import FormulaError, parse, reduced_formula
from muli.candidates.importers import ImportRefused, read_energies, read_gaps
from muli.candidates.users.cells import Unclear, read_cell
from muli.candidates.users.problems import TableError

CASES = Path(__file__).with_name("cases")
LONGEST_S = 10.0
COUNTS = [100, pytest.param(3000, marks=pytest.mark.full)]
PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")

TEXTS = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b'"', b",", b";", b"\t", b"'", b"{", b"}",
    b"[", b"]", b":", b"-", b"e", b"E", b".", b"NaN", b"Infinity", b"-1e308", b"1" + b"0" * 400,
    b"true", b"null", b"\xe2\x88\x92", b"\xc2\xb1", b"<", b"~", b"..", b"\xef\xbc\x91", b"\\u0000",
    b"=cmd()", b"../", b"Xx", b"Li+", b" ", b"\xc2\xb7", b"(", b")", b"#", b"9" * 30,
]  # fmt: skip
VALUES = [
    True, None, "", "1", "１", -2, 0, 1e300, -1e308, 10**400, float("nan"), [], {}, [[]], "Li2O",
    {"Li": -1}, {"Li+": 1}, {"Xx": 1}, "=1+1", "\x00", "a" * 5000, {"a": {"b": {}}}, 3.5,
]  # fmt: skip


def mutate_bytes(content, dice):
    """Some bytes flipped, cut, doubled, moved or put in."""
    data = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 5])):
        at = dice.randrange(len(data) + 1)
        how = dice.randrange(5)
        if how == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif how == 1:
            del data[at : at + dice.choice([1, 1, 10, 200])]
        elif how == 2:
            data[at:at] = dice.choice(TEXTS)
        elif how == 3:
            data[at:at] = data[at : at + dice.choice([1, 20, 300])]
        else:
            del data[at:]
            data += dice.choice(TEXTS)
    return bytes(data)


def mutate_json(content, dice):
    """A value somewhere in the data replaced, removed or doubled."""
    data = copy.deepcopy(content)
    for _ in range(dice.choice([1, 1, 3])):
        node = data
        for _ in range(dice.randrange(1, 5)):
            inner = [v for v in (node.values() if isinstance(node, dict) else node) if v]
            inner = [v for v in inner if isinstance(v, dict | list)]
            if not inner or dice.random() < 0.2:
                break
            node = dice.choice(inner)
        if not node:
            continue
        key = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
        how = dice.randrange(4)
        if how == 0:
            del node[key]
        elif how == 1 and isinstance(node, list):
            node.append(copy.deepcopy(node[key]))
        else:
            node[key] = copy.deepcopy(dice.choice(VALUES))
    return data


def entries_in(data):
    """How many entries a file holds, by its plain structure; None where it is not one list."""
    if isinstance(data, dict):
        lists = [data[key] for key in ("data", "entries") if isinstance(data.get(key), list)]
        return len(lists[0]) if len(lists) == 1 else None
    return len(data) if isinstance(data, list) and not _pages(data) else None


def _pages(data):
    return any(isinstance(one, dict) and isinstance(one.get("data"), list) for one in data)


def energies(path):
    """What was read, or None where it was refused in words; never slow, never a traceback."""
    start = time.monotonic()
    try:
        found = read_energies(path)
    except ImportRefused as error:
        assert 0 < len(str(error)) < 3000
        assert "Error(" not in str(error)
        found = None
    assert time.monotonic() - start < LONGEST_S
    return found


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    "name", ["mp_default_mixed.json", "mp_docs_list.json", "species.json", "optimade.json"]
)
def test_entries_of_json_are_kept_or_named(tmp_path, name, count):
    if name == "optimade.json":
        original = json.loads((CASES / "optimade_first_page.json").read_text())
        original["links"]["next"] = None
        original["meta"]["more_data_available"] = False
    else:
        original = json.loads((CASES / name).read_text())
    dice = random.Random(f"{name} {count}")
    path = tmp_path / "mutated.json"
    text = json.dumps(original).encode()
    read = 0
    for number in range(count):
        if number % 2:
            path.write_bytes(mutate_bytes(text, dice))
        else:
            path.write_text(json.dumps(mutate_json(original, dice)))
        found = energies(path)
        if found is None:
            continue
        read += 1
        held = entries_in(json.loads(path.read_bytes().decode("utf-8-sig", errors="replace")))
        if held is not None:
            _nothing_lost(found, held)
    assert read > count / 20


def _nothing_lost(found, held):
    """Every entry is an energy, a polymorph of one, or named; every loss is known to the hull."""
    kept = len(found.energies.formulas)
    assert kept + len(found.rejected) <= held
    for one in found.rejected:
        if not one.is_blank:
            assert found.energies.left_out, str(one)
    assert all(abs(value) <= 10.0 for value in found.energies.formation_energy)


@pytest.mark.parametrize("count", COUNTS)
def test_a_row_of_energies_is_kept_as_written_or_named(tmp_path, count):
    rows = [("Li", 0.0), ("Li2O", -2.07), ("Li2O2", -1.65), ("LiNbO3", -2.91), ("Nb2O5", -3.06)]
    rows += [(f"Li{n}PO4", -2.0 - n / 100) for n in range(1, 20)]
    text = "formula,formation_energy_eV_atom,id\n"
    text += "".join(f"{formula},{value},x-{n}\n" for n, (formula, value) in enumerate(rows))
    dice, path = random.Random(f"energies {count}"), tmp_path / "energies.csv"
    for _ in range(count):
        path.write_bytes(mutate_bytes(text.encode(), dice))
        found = energies(path)
        if found is None:
            continue
        written = _lowest(path.read_bytes())
        for formula, value in zip(
            found.energies.formulas, found.energies.formation_energy, strict=True
        ):
            if written.get(formula):
                assert value in written[formula]


def _lowest(content):
    """Numbers that stand beside each formula of a CSV file, read in the plainest way."""
    numbers = {}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # as spreadsheets on Windows write
        text = content.decode("cp1252", errors="replace")
    for line in text.splitlines():
        for row in csv.reader([line.replace(";", ",").replace("\t", ",").replace("|", ",")]):
            try:
                formula = reduced_formula(row[0])
                cell = row[1].strip().replace("\u2212", "-")
                numbers.setdefault(formula, []).append(float(cell))
            except (FormulaError, ValueError, IndexError):
                continue
    return numbers


TABLE = "name,formula,role,sigma_ion_S_cm,sigma_ele_S_cm,oxidation_limit_V,source\n" + "".join(
    f"film {n},Li{n % 5 + 1}PO4,coating,{n + 1}.5e-9,{'<' if n % 4 == 0 else ''}1e-1{n % 4},"
    f"{3 + n / 10},book {n}\n"
    for n in range(12)
)


@pytest.mark.parametrize("count", [30, pytest.param(1500, marks=pytest.mark.full)])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_row_of_a_users_table_is_good_or_a_problem(tmp_path, delimiter, count):
    text = TABLE.replace(",", delimiter)
    dice, path = random.Random(f"table {delimiter} {count}"), tmp_path / "table.csv"
    for _ in range(count):
        path.write_bytes(mutate_bytes(text.encode(), dice))
        start = time.monotonic()
        report = candidates.validate(path)
        assert time.monotonic() - start < LONGEST_S
        assert report.ok or all(0 < len(str(problem)) < 1000 for problem in report.problems)
        assert report.understood() or not report.ok
        _as_written(report, path.read_bytes())


def _as_written(report, content):
    """A good row holds the numbers of its line, where the line is plain and its heading ours."""
    lines = re.split("\r\n|\r|\n", content.decode("utf-8-sig", errors="replace"))
    for name in ("sigma_ion_S_cm", "oxidation_limit_V"):
        if name not in report.rows:
            continue
        for row, value in zip(report.rows["row"], report.rows[name], strict=True):
            line = lines[row - 1] if row <= len(lines) else ""
            cells = [cell.strip() for cell in re.split("[,;]", line)]
            if pd.isna(value) or len(cells) != 7 or '"' in "".join(lines):
                continue
            plain = [float(cell) for cell in cells if PLAIN.fullmatch(cell)]
            assert value in plain or not all(map(PLAIN.fullmatch, cells[3:4] + cells[5:6]))


@pytest.mark.parametrize("count", COUNTS)
def test_any_cell_is_a_finite_reading_or_unclear(count):
    seeds = ["1.5e-7", "<1e-12", "1e-12 ± 0.3e-12", "(1.0 ± 0.3)e-12", "1e-13..1e-11", "7.0×10−7",
             "~1e-9", "1,234", "1.0(3)e-12", "10^-7", "1e-13 to 1e-11"]  # fmt: skip
    dice = random.Random(f"cells {count}")
    for _ in range(count):
        text = mutate_bytes(dice.choice(seeds).encode(), dice).decode(errors="replace")
        try:
            found = read_cell(text, dice.choice(".,"))
        except Unclear as error:
            assert str(error)
            continue
        known = [one for one in (found.value, found.low, found.high) if one is not None]
        assert known
        assert all(abs(one) < float("inf") for one in known)
        if PLAIN.fullmatch(text.strip()):
            assert found.value == pytest.approx(float(text.strip()), rel=1e-15)


@pytest.mark.parametrize("count", COUNTS)
def test_any_formula_is_a_composition_or_refused(count):
    seeds = ["Li1.3Al0.3Ti1.7(PO4)3", "LiOH·H2O", "Li₃PO₄", "0.7Li2S·0.3P2S5", "Li7La3Zr2O12"]
    dice = random.Random(f"formulas {count}")
    for _ in range(count):
        text = mutate_bytes(dice.choice(seeds).encode(), dice).decode(errors="replace")
        try:
            composition = parse(text)
        except FormulaError as error:
            assert len(str(error)) < 500
            continue
        assert composition
        assert parse(reduced_formula(text))


@pytest.mark.parametrize("count", COUNTS)
def test_curves_and_gaps_are_read_or_refused(tmp_path, count):
    points = b"".join(b"%d.5,-%d,0.%d\n" % (n, 9 + n, n) for n in range(4))
    curve = b"E_V,log10_sigma_ele,sd\n" + points
    gaps = b"formula,band_gap_eV\nLi3PO4,5.8\nLiF,8.7\nLiNbO3,3.4\n"
    dice = random.Random(f"curves {count}")
    path = tmp_path / "file.csv"
    for _ in range(count):
        path.write_bytes(mutate_bytes(curve, dice))
        try:
            found = candidates.read_curve(path)
        except TableError as error:
            assert error.problems
        else:
            assert 2 <= len(found.E_V) == len(found.log10_sigma_ele) == len(found.sd)
            assert list(found.E_V) == sorted(set(found.E_V))
        path.write_bytes(mutate_bytes(gaps, dice))
        try:
            assert all(0 <= gap.low <= gap.high for gap in read_gaps(path).values())
        except ImportRefused as error:
            assert str(error)


@pytest.mark.parametrize("count", [5, pytest.param(3000, marks=pytest.mark.full)])
def test_a_mutated_workbook_is_a_report(tmp_path, count):
    stream = io.BytesIO()
    rows = [line.split(",") for line in TABLE.splitlines()]
    with pd.ExcelWriter(stream, engine="openpyxl") as book:
        pd.DataFrame(rows).to_excel(book, header=False, index=False)
    dice, path = random.Random(f"workbooks {count}"), tmp_path / "table.xlsx"
    for _ in range(count):
        path.write_bytes(mutate_bytes(stream.getvalue(), dice))
        report = candidates.validate(path)
        assert report.ok or report.problems
