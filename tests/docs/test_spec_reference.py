"""docs/spec.md is what the models say today."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def _module():
    spec = importlib.util.spec_from_file_location("spec_reference", DOCS / "spec_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current():
    assert (DOCS / "spec.md").read_text(encoding="utf-8") == _module().reference(), (
        "run: python docs/spec_reference.py > docs/spec.md"
    )


def test_every_key_has_a_meaning_and_every_meaning_a_key():
    module = _module()
    keys = {f"{name}.{key}" for name, model in module.sections() for key in model.model_fields}
    assert keys - module.HIDDEN == set(module.MEANING)
    assert set(module.ABOUT) == {name for name, _ in module.sections()}


def test_forms_and_ranges_are_read_from_the_models():
    page = _module().reference()
    assert "| `top_k` | whole number, at least 1, at most 100000 | `20` |" in page
    assert "| `coating_thickness_nm` | numbers, nm, 0.001 to 1e+06 | – |" in page
    assert '| `mode` | `"best"`, `"feasible"`, `"all"` | `"best"` |' in page
