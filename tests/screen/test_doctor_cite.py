"""The doctor sees foreign packages; citations hold methods, programs and data, each once."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.metadata import Distribution
from pathlib import Path

import pytest

import muli
from muli.screen.cli import installation as doctor
from muli.screen.cli.installation import PUBLIC, altered, unusable
from muli.screen.dataset.manifest import Manifest
from muli.screen.views import cite


def test_a_foreign_package_in_front_is_a_problem(tmp_path):
    (tmp_path / "muli.py").touch()
    ours = str(Path(muli.__file__).parents[1])
    found = doctor.shadows([str(tmp_path), ours])
    assert len(found) == 1
    assert "hides ours" in found[0]
    assert "is hidden by ours" in doctor.shadows([ours, str(tmp_path)])[0]
    assert doctor.shadows([ours, ours]) == []


def test_a_folder_without_code_shadows_nothing(tmp_path):
    (tmp_path / "muli").mkdir()
    assert doctor.shadows([str(tmp_path)]) == []


def test_a_script_named_muli_shadows_nothing(tmp_path):
    (tmp_path / "muli").write_text("#!/bin/sh\n")
    assert doctor.shadows([str(tmp_path)]) == []


def test_findings_name_devices_and_versions():
    found = doctor.examine()
    assert found["devices"]
    assert re.fullmatch(r"\d+\.\d+.*", found["versions"]["jax"])
    assert "device" in doctor.report(found)


def manifest(boundary):
    return Manifest(
        name="",
        spec_file="",
        complete=True,
        stacks=0,
        counts={},
        asked=0,
        axes={},
        identity={},
        sources=["Adeli2019", "Adeli2019", "measured here", "doi:10.1021/acsami.5b07517"],
        versions={"muli": "0.1.0", "jax": "0.10.2", "duckdb": "not installed"},
        spec={"screen": {"boundary": boundary}},
    )


def test_references_of_a_run():
    found = cite.references(manifest(["electrode"]))
    assert [each.key for each in found] == [
        "Wagner1933", "Kimura2024", "muli", "jax", "Adeli2019", "measured here",
        "doi:10.1021/acsami.5b07517",
    ]  # fmt: skip
    assert found[-1].doi == "10.1021/acsami.5b07517"
    pinned = cite.references(manifest(["auto"]))
    assert "AltJanek2026" in [each.key for each in pinned]


@pytest.mark.parametrize("text", ["a } b { c", "50 % of $x_1 & \\input{/etc/passwd}", "a\nb ~^#"])
def test_bibtex_of_any_text_is_one_balanced_entry(text):
    entry = cite.bibtex(cite.Reference(text, text))
    unescaped = re.sub(r"\\[{}%#&$_]|\\textbackslash |\\ascii\w+ ", "", entry)
    assert unescaped.count("{") == unescaped.count("}")
    assert entry.startswith("@misc{")
    assert "\\input" not in entry


def installed(folder, **contents):
    """A distribution with these files and their record."""
    lines = ["muli-9.dist-info/METADATA,,"]
    (folder / "muli-9.dist-info").mkdir(parents=True)
    (folder / "muli-9.dist-info" / "METADATA").write_text("Name: muli\nVersion: 9\n")
    (folder / "muli").mkdir()
    for name, text in contents.items():
        (folder / "muli" / f"{name}.py").write_text(text)
        digest = urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")
        lines.append(f"muli/{name}.py,sha256={digest},{len(text)}")
    (folder / "muli-9.dist-info" / "RECORD").write_text("\n".join(lines) + "\n")
    return Distribution.at(folder / "muli-9.dist-info")


def test_files_are_compared_with_the_record(tmp_path):
    ours = installed(tmp_path, one="x = 1\n", two="y = 2\n", three="z = 3\n")
    assert altered(ours) == []
    (tmp_path / "muli" / "one.py").write_text("x = 2\n")
    (tmp_path / "muli" / "two.py").unlink()
    assert altered(ours) == ["muli/one.py", "muli/two.py (No such file or directory)"]


def test_packages_give_their_names():
    assert unusable(PUBLIC) == []
    wrong = unusable({"muli.kernels": "no_such", "muli.nothing": "x"})
    assert len(wrong) == 2
    assert all("install muli anew" in each for each in wrong)
