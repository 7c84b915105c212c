"""A spec from its resolved form, as a manifest holds it with all defaults."""

from collections.abc import Mapping
from typing import Any

from muli.screen.spec.load import parse
from muli.screen.spec.model import Spec


def rebuilt(resolved: Mapping[str, Any]) -> Spec:
    """The validated spec whose `model_dump_json` this is. Raises `SpecError`."""
    table = {name: dict(section) for name, section in resolved.items() if section is not None}
    axes = table["axes"]
    others = axes.pop("others", {})
    table["axes"] = {key: _axis(value) for key, value in {**axes, **others}.items()}
    if "uncertainty" in table:
        drawn = table["uncertainty"].pop("distributions", {})
        table["uncertainty"] |= drawn
    return parse(table, "manifest.json")


def _axis(value: Any) -> Any:
    """A list, a range or a selection as a person writes it; of several layers one for each."""
    if "layers" in value:
        return [_axis(layer) for layer in value["layers"]]
    if "listed" in value:
        if value["num"]:
            return {key: value[key] for key in ("start", "stop", "num", "spacing")}
        return value["listed"]
    if value["everything"]:
        return "*"
    if value["names"]:
        return [names[0] if len(names) == 1 else names for names in value["names"]]
    return {key: value[key] for key in ("file", "table", "where") if value[key] is not None}
