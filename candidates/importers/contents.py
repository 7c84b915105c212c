"""Contents of a JSON file: entries, thermo documents or structures, and the page around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muli.candidates.importers.complete import Page

FORMATS = (
    "CSV, ComputedEntry JSON, Materials Project thermo JSON, OPTIMADE pages "
    "(one value a line, .gz, .bz2 and .xz too)"
)
_LISTS = ("data", "entries", "all_entries", "results", "docs", "documents", "structures")
ENTRIES, DOCUMENTS, STRUCTURES = "computed entries", "thermo documents", "OPTIMADE structures"


@dataclass(frozen=True)
class Content:
    """The items of one page, all of one kind, with the page's description of itself."""

    name: str
    kind: str
    items: Sequence[Any]
    page: Page = field(default_factory=dict)


def content_of(value: Any, name: str) -> list[Content]:
    """The pages of a file's JSON: a list of pages, one page, an entry, or items without a page."""
    if isinstance(value, list):
        pages = [one for one in value if _items(one) is not None]
        if pages and len(pages) == len(value):
            return [content for page in pages for content in content_of(page, name)]
        bare = [one for one in value if not _is_header(one)]
        return [Content(name, _kind(bare), bare)]
    items = _items(value)
    if items is None and isinstance(value, Mapping) and "composition" in value:
        items = [value]
    if items is None:
        return []
    return [
        Content(
            name, _kind(items), items, _page(value) if any(key in value for key in _LISTS) else {}
        )
    ]


def _items(value: Any) -> list[Any] | None:
    """The list inside a page, or the values of an object by id; None for an item or other data."""
    if not isinstance(value, Mapping) or "attributes" in value:
        return None
    if "composition" in value and "energy" in value:
        return None
    for key in _LISTS:
        if isinstance(value.get(key), list):
            return list(value[key])
    held = list(value.values())
    if held and all(isinstance(one, Mapping) and "composition" in one for one in held):
        return held
    return None


def _page(value: Mapping[str, Any]) -> Page:
    return {key: part for key, part in value.items() if key not in _LISTS}


def _is_header(one: Any) -> bool:
    """The first lines of OPTIMADE in JSON lines: the version, and descriptions of properties."""
    return isinstance(one, Mapping) and ("x-optimade" in one or one.get("type") == "info")


def _kind(items: Sequence[Any]) -> str:
    """The kind of most items; the reader of that kind leaves out items of another kind."""
    counts = dict.fromkeys((ENTRIES, DOCUMENTS, STRUCTURES), 0)
    for item in items:
        if not isinstance(item, Mapping):
            continue
        if isinstance(item.get("attributes"), Mapping):
            counts[STRUCTURES] += 1
        elif "formation_energy_per_atom" in item and "energy" not in item:
            counts[DOCUMENTS] += 1
        else:
            counts[ENTRIES] += 1
    return max(counts, key=lambda kind: counts[kind])
