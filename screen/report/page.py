"""One self-contained HTML file: template, style, scripts and data joined under a strict policy.

Every script and style of the page is named by its hash in a Content-Security-Policy; nothing else
runs, and nothing is fetched. Vega works without `eval` through its expression interpreter.
"""

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = (
    "closed_form.js",
    "ageing.js",
    "format.js",
    "address.js",
    "scenarios.js",
    "cells.js",
    "table.js",
    "pictures.js",
    "whatif.js",
    "page.js",
)


@dataclass(frozen=True)
class Picture:
    """A picture of the page: where it stands, what it shows in words, and its specification."""

    id: str
    place: str
    title: str
    alt: str
    caption: str
    spec: Mapping[str, Any]


def render(
    facts: Any,
    pictures: Iterable[Picture],
    data: Mapping[str, Any],
    template: str = "template.html",
) -> str:
    """The whole page. `facts` fills the template's words, `data` is what the scripts read."""
    pictures = list(pictures)
    style, script, bundle = _style(), _script(), _bundle()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    figure = environment.get_template("figure.html")
    specs = {picture.id: picture.spec for picture in pictures}
    return environment.get_template(template).render(
        facts=facts,
        pictures=pictures,
        figure=lambda picture: Markup(figure.render(picture=picture)),
        policy=_policy(style, bundle, script),
        style=Markup(style),
        bundle=Markup(bundle),
        script=Markup(script),
        data=Markup(block({**data, "specs": specs})),
        sections=SECTIONS,
        answers=ANSWERS,
        grown=GROWN,
    )


SECTIONS = (
    ("funnel", "Funnel"),
    ("ranking", "Ranking"),
    ("measure", "What to measure"),
    ("whatif", "What if?"),
    ("assumed", "Assumed"),
    ("sources", "Sources"),
    ("provenance", "Provenance"),
)

ANSWERS = (
    ("anode_side_V", "volts", "Anode side of the electrolyte", "V"),
    ("interface_potential_V", "volts", "Electrolyte meets E*", "V"),
    ("oxidation_margin_V", "margin", "Margin to its oxidation", "V"),
    ("reduction_margin_V", "margin", "Margin to its reduction", "V"),
    ("coating_oxidation_margin_V", "margin", "Coating's own margin, oxidation", "V"),
    ("coating_reduction_margin_V", "margin", "Coating's own margin, reduction", "V"),
    ("asr_coating_ohm_cm2", "number", "Coating resistance", "Ω cm²"),
    ("asr_total_ohm_cm2", "number", "With the electrolyte", "Ω cm²"),
    ("min_thickness_nm", "number", "Least thickness", "nm"),
    ("max_thickness_nm", "number", "Largest thickness", "nm"),
    ("max_sigma_ele_S_cm", "number", "Largest tolerable σₑ", "S/cm"),
    ("terminal_voltage_V", "volts", "Voltage at the terminals", "V"),
    ("leak_current_A_cm2", "number", "Leak current", "A/cm²"),
    ("self_discharge_percent_per_month", "number", "Self-discharge", "% a month"),
)

GROWN = (
    ("interphase_nm", "number", "Interphase, cathode side", "nm"),
    ("interphase_final_nm", "number", "It ends at", "nm"),
    ("anode_interphase_nm", "number", "Interphase, anode side", "nm"),
    ("asr_interphase_ohm_cm2", "number", "Both add to the resistance", "Ω cm²"),
    ("anode_lithium_lost_uAh_cm2", "number", "Lithium lost at the anode", "µAh/cm²"),
    ("years_to_budget", "number", "The budget is reached after", "years"),
    ("unprotected_share", "number", "Share held at the oxidation limit", ""),
)


def block(data: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script element: <, > and & are escaped, NaN becomes null."""
    text = json.dumps(_finite(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _style() -> str:
    return (ASSETS / "page.css").read_text(encoding="utf-8")


def _script() -> str:
    parts = [(ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return "\n".join(part.replace('"use strict";\n', "") for part in ['"use strict";', *parts])


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as the installed package carries them.

    Addresses in it (name spaces, links in messages) are written with escaped slashes: the same
    strings to JavaScript, but a search for addresses in the file finds none.
    """
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("://", ":\\/\\/").replace("</script", "<\\/script")


def _policy(style: str, *scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'sha256-{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
