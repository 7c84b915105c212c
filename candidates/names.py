"""Names: aliases, and the closest ones for a mistyped name."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache

from muli.candidates.tables import table


class UnknownName(KeyError):
    """A name that is not known; the message holds the closest ones, `closest` too."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.name, self.closest = name, tuple(closest(name, known))
        near = f"; closest: {', '.join(self.closest)}" if self.closest else ""
        super().__init__(f"unknown {kind} {name[:80]!r}{near}")

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownMaterial(UnknownName):
    """A material the library does not know."""


@cache
def _names() -> dict[str, str]:
    """Every name and alias with the library's name for it; names win over aliases."""
    materials = table("materials")
    library_names: dict[str, str] = {}
    for name, aliases in zip(materials["name"], materials["aliases"], strict=True):
        for alias in filter(None, aliases.split("; ")):
            library_names.setdefault(alias, name)
    return library_names | {name: name for name in materials["name"]}


@cache
def _folded() -> dict[str, str]:
    return {name.casefold(): library_name for name, library_name in _names().items()}


def find(name: str) -> str | None:
    """The library's name of a material given by name or alias; None where there is none."""
    wanted = name.strip()
    return _names().get(wanted) or _folded().get(wanted.casefold())


def resolve(name: str) -> str:
    """The library's name of a material given by name or alias. Raises UnknownMaterial."""
    library_name = find(name)
    if library_name is None:
        raise UnknownMaterial("material", name.strip(), _names())
    return library_name


def closest(word: str, words: Iterable[str], count: int = 5) -> list[str]:
    """The most similar words, best first; case does not count."""
    folded = {known.casefold(): known for known in words}
    return [folded[w] for w in get_close_matches(word.casefold()[:200], folded, count, 0.6)]
