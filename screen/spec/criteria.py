"""Criteria by name: what a coating must do, as specs and options spell it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from muli.screen.errors import UsageError
from muli.screen.spec.load import Source
from muli.screen.spec.model import Criterion

EVERY: tuple[Criterion, ...] = get_args(Criterion)
NAMED: dict[str, tuple[Criterion, ...]] = {
    "transport": ("protects", "affordable"),
    "chemistry": ("affordable", "stable", "inert"),
}


def criteria_of(given: str | Sequence[str]) -> tuple[Criterion, ...]:
    """Criteria from names, lists with commas, "transport" or "chemistry". Raises `UsageError`."""
    listed = [given] if isinstance(given, str) else list(given)
    words = [word.strip() for text in listed for word in text.split(",") if word.strip()]
    chosen = [name for word in words for name in NAMED.get(word, (word,))]
    for name in chosen:
        if name not in EVERY:
            known = (*NAMED, *EVERY)
            raise UsageError(f"--criteria {name}: expected some of {', '.join(known)}")
    if not chosen:
        raise UsageError("--criteria: name one or more, separated by commas")
    return tuple(name for name in EVERY if name in chosen)


def with_criteria(source: Source, given: str | Sequence[str] | None) -> Source:
    """The spec with other criteria; its own where none are given."""
    if given is None:
        return source
    ranking = source.spec.ranking.model_copy(update={"criteria": criteria_of(given)})
    return replace(source, spec=source.spec.model_copy(update={"ranking": ranking}))
