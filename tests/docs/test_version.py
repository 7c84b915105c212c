"""One version: of the code, of the installed package, and in CITATION.cff."""

import re
from datetime import date
from importlib import metadata

import muli
from tests.docs.blocks import ROOT


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == muli.__version__
    assert metadata.version("muli") == muli.__version__
    assert f"## {muli.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_release_has_a_date():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert date.fromisoformat(re.search(r"^date-released: (.+)$", citation, re.MULTILINE)[1])
