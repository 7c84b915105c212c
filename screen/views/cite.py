"""BibTeX of the sources of a run: methods, programs and data."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muli.screen.dataset.manifest import Manifest


@dataclass(frozen=True)
class Reference:
    """One source: identifier, citation as text, DOI or URL, and its role."""

    key: str
    citation: str
    doi: str = ""
    url: str = ""
    role: str = "data"


METHODS = (
    Reference(
        "Wagner1933",
        "C. Wagner, Z. Phys. Chem. 21, 25 (1933)",
        role="method",
    ),
    Reference(
        "Kimura2024",
        "Y. Kimura et al., Coating layer design principles considering lithium chemical potential "
        "distribution within solid electrolytes of solid-state batteries, Commun. Mater. 5 (2024)",
        "10.1038/s43246-024-00578-1",
        role="method",
    ),
    Reference(
        "AltJanek2026",
        "Christoph D. Alt and Juergen Janek, Quantifying the self-discharge of solid-state "
        "batteries, Nat. Energy (2026)",
        "10.1038/s41560-026-02038-1",
        role="method of the boundary `interphase`",
    ),
)
COMPUTED = Reference(
    "MaterialsProject",
    "A. Jain et al., Commentary: The Materials Project, APL Mater. 1, 011002 (2013); computed "
    "energies under CC BY 4.0, windows and reaction energies computed from them by muli",
    "10.1063/1.4812323",
)
COMPUTED_NAMES = ("materials-project", "Materials Project 2019, computed by muli")
"""Beginnings of the source names in the supplied tables of computed compounds and mixtures."""
_TEX = {c: f"\\{c}" for c in "{}%#&$_"} | {
    "\\": r"\textbackslash ",
    "~": r"\textasciitilde ",
    "^": r"\textasciicircum ",
}
"""TeX's special characters, escaped."""

PROGRAMS = {
    "muli": ("muli: lithium-potential profiles through coatings and solid electrolytes", ""),
    "jax": (
        "JAX: composable transformations of Python+NumPy programs",
        "https://github.com/jax-ml/jax",
    ),
    "duckdb": ("DuckDB: an embeddable analytical database", "https://duckdb.org"),
    "pyarrow": ("Apache Arrow", "https://arrow.apache.org"),
}


def references(manifest: "Manifest") -> list[Reference]:
    """Methods, programs and data of a run, from its manifest, each once."""
    return [*_methods(manifest), *_programs(manifest), *data(manifest.sources)]


def bibtex(reference: Reference) -> str:
    """A `@misc` entry; its field `note` holds the citation as text."""
    fields = {
        "note": _escaped(reference.citation),
        "year": _year(reference.citation),
        "doi": reference.doi,
        "url": reference.url,
        "annote": _escaped(reference.role),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@misc{{{_key(reference.key)},\n" + ",\n".join(lines) + "\n}"


def _methods(manifest: "Manifest") -> list[Reference]:
    """The methods; that of the boundary `interphase` only if the run used it."""
    boundaries = manifest.spec.get("screen", {}).get("boundary", ["auto"])
    pinned = {"auto", "interphase"} & set(boundaries)
    return [method for method in METHODS if pinned or "interphase" not in method.role]


def _programs(manifest: "Manifest") -> list[Reference]:
    versions = manifest.versions
    return [
        Reference(name, f"{title}, version {versions[name]}", url=url, role="program")
        for name, (title, url) in PROGRAMS.items()
        if versions.get(name, "not installed") != "not installed"
    ]


def data(sources: Iterable[str]) -> list[Reference]:
    """The sources of the materials, each once; a source that is not listed keeps its text."""
    from muli import candidates

    listed = {row["id"]: row for row in candidates.sources().to_dict("records")}
    cited: dict[str, Reference] = {}
    for name in sources:
        row = listed.get(name)
        if name.startswith(COMPUTED_NAMES):
            cited[COMPUTED.key] = COMPUTED
        elif row is not None:
            cited[name] = Reference(name, row["citation"], row["doi"] or "", row["url"] or "")
        else:
            doi = re.search(r"10\.\d{4,9}/\S+", name)
            cited[name] = Reference(name, name, doi[0] if doi else "", role="data of the user")
    return list(cited.values())


def _year(citation: str) -> str:
    years = re.findall(r"\b(?:19|20)\d\d\b", citation)
    return years[-1] if years else ""


def _key(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9:_.-]+", "-", text).strip("-") or "source"


def _escaped(text: str) -> str:
    """`text` inside braces: no unbalanced brace, no command, no comment."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return re.sub(r"([\\{}%#&$_~^])", lambda match: _TEX[match[1]], plain)
