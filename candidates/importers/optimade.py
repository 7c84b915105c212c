"""OPTIMADE: any database that speaks it and offers formation energies, live or from saved pages.

The standard itself has no energies; databases add theirs under a prefix of their own. `FIELDS`
lists those that are formation energies in eV/atom; another one is named by the caller.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

from muli.candidates.formula import FormulaError, parse
from muli.candidates.importers.complete import require_complete
from muli.candidates.importers.entries import Entry, Imported, ImportRefused, Rejected, assemble
from muli.candidates.importers.hulls import Scale
from muli.candidates.importers.values import Unusable, energy
from muli.candidates.importers.web import Bounds
from muli.candidates.importers.web import pages as pages_of

FIELDS = (
    "_mp_stability.gga_gga+u.formation_energy_per_atom",
    "_oqmd_delta_e",
    "_alexandria_formation_energy_per_atom",
    "_jarvis_formation_energy_peratom",
    "_odbx_formation_energy",
)
"""Attributes that hold eV/atom from the elements; dots lead into nested objects."""

_FORMULA = "chemical_formula_reduced"


def chemical_system_filter(elements: Sequence[str]) -> str:
    """OPTIMADE filter for all compounds of these elements, from mandatory features alone.

    >>> chemical_system_filter(["Li", "O"])
    '(elements HAS ALL "Li" AND nelements=1) OR (elements HAS ALL "O" AND nelements=1) OR \
(elements HAS ALL "Li","O" AND nelements=2)'
    """
    parts = []
    for size in range(1, len(elements) + 1):
        for subset in combinations(elements, size):
            listed = ",".join(f'"{symbol}"' for symbol in subset)
            parts.append(f"(elements HAS ALL {listed} AND nelements={size})")
    return " OR ".join(parts)


def fetch_optimade(
    base_url: str,
    elements: Sequence[str],
    field: str | None = None,
    bounds: Bounds | None = None,
) -> Imported:
    """Formation energies of every compound of these elements, live from one database.

    `field`: attribute with eV/atom from the elements; those of `FIELDS` are known. `bounds`: of the
    whole answer, in bytes, seconds and pages. Raises ImportRefused where the database answers with
    an error, without end, or offers none of them.
    """
    wanted = [name.split(".")[0] for name in ((field,) if field else FIELDS)]
    query = {
        "filter": chemical_system_filter(elements),
        "response_fields": ",".join([_FORMULA, *wanted]),
        "response_format": "json",
    }
    address = f"{_versioned(base_url)}/structures?{urlencode(query)}"
    answer = list(pages_of(address, bounds))
    for page in answer:
        if not isinstance(page.get("data"), list) and not page.get("errors"):
            raise ImportRefused(f"{base_url}: a page without a list of structures")
        if page.get("errors"):
            raise ImportRefused(f"{base_url}: {'; '.join(map(str, page['errors']))[:500]}")
    require_complete([(base_url, page, len(page.get("data") or [])) for page in answer[-1:]])
    return from_optimade_pages(answer, base_url, field)


def _versioned(base_url: str) -> str:
    """The address with the version of the protocol, unless it names one itself."""
    bare = base_url.rstrip("/")
    return bare if re.search(r"/v[0-9.]+$", bare) else f"{bare}/v1"


def from_optimade_pages(
    pages: Iterable[Mapping[str, Any]],
    name: str,
    field: str | None = None,
    provenance: Mapping[str, str] | None = None,
) -> Imported:
    """Energies of saved `/structures` responses, all from one database. Raises ImportRefused."""
    pages = list(pages)
    _require_one_database(pages, name)
    structures = list(_structures(pages, name))
    chosen = field or _known_field(structures, name)
    read = [_entry(one, chosen, where) for one, where in structures]
    return assemble(
        [one for one in read if isinstance(one, Entry)],
        [one for one in read if isinstance(one, Rejected)],
        {"source": name, "field": chosen, **(provenance or {})},
    )


def _structures(
    pages: Iterable[Mapping[str, Any]], name: str
) -> Iterator[tuple[Mapping[str, Any], str]]:
    for number, page in enumerate(pages, 1):
        for place, one in enumerate(page.get("data") or [], 1):
            if isinstance(one, dict) and isinstance(one.get("attributes"), dict):
                yield one, f"{name} page {number} structure {place}"


def _require_one_database(pages: Iterable[Mapping[str, Any]], name: str) -> None:
    """Two databases, or two functionals of one, are two sets of energies."""
    addresses = {
        str(links["base_url"]) for links in _parts(pages, "links") if links.get("base_url")
    }
    providers = {
        str(provider.get("prefix") or provider.get("name"))
        for meta in _parts(pages, "meta")
        if isinstance(provider := meta.get("provider"), Mapping)
    }
    for databases in (addresses, providers):
        if len(databases) > 1:
            listed = ", ".join(sorted(databases))[:300]
            raise ImportRefused(f"{name}: pages of several databases, {listed}: give those of one")


def _parts(pages: Iterable[Mapping[str, Any]], key: str) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        if isinstance(page.get(key), Mapping):
            yield page[key]


def _known_field(structures: Iterable[tuple[Mapping[str, Any], str]], name: str) -> str:
    held = [
        field
        for field in FIELDS
        if any(_value(one["attributes"], field) is not None for one, _ in structures)
    ]
    if len(held) == 1:
        return held[0]
    reason = f"several: {', '.join(held)}" if held else "none of those known"
    raise ImportRefused(f"{name}: formation energies, eV/atom, in {reason}; name the field")


def _value(attributes: Mapping[str, Any], field: str) -> Any:
    value: Any = attributes
    for part in _path(attributes, field):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _path(attributes: Mapping[str, Any], field: str) -> list[str]:
    return [field] if field in attributes else field.split(".")


def _entry(structure: Mapping[str, Any], field: str, where: str) -> Entry | Rejected:
    attributes = structure["attributes"]
    value = _value(attributes, field)
    formula = str(attributes.get(_FORMULA) or "")
    try:
        parse(formula)
        formation_energy = _plain(value)
    except Unusable as error:
        blank = value is None
        return Rejected(where, str(value)[:200], f"no number in {field}: {error}", formula, blank)
    except FormulaError as error:
        return Rejected(where, formula[:200], str(error))
    return Entry(
        formula,
        formation_energy,
        is_formation=True,
        where=where,
        id=str(structure.get("id") or ""),
        scale=Scale(_functional(attributes)),
    )


def _plain(value: Any) -> float:
    """A JSON number; text is none, here."""
    if isinstance(value, str):
        raise Unusable("text")
    return energy(value)


def _functional(attributes: Mapping[str, Any]) -> str:
    """The functional, where the database states one beside every structure."""
    for key, value in attributes.items():
        if key.startswith("_") and key.endswith("functional") and isinstance(value, str):
            return value
    return ""
