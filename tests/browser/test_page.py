"""The report in a real browser without network: it renders, answers, and runs nothing foreign."""

import csv
import io
import re

import pytest

PICTURES = {
    "coverage",
    "spread",
    "whatif-profile",
    "whatif-map",
    "profiles",
    "tradeoff",
    "windows",
    "reactions",
    "tolerance",
}
ROWS = "#ranking tbody tr"
COUNT = f"return document.querySelectorAll('{ROWS}').length"
CELLS = (
    "return [...document.querySelectorAll(`#ranking tbody tr > :nth-child(${arguments[0]})`)]"
    ".map((cell) => (cell.querySelector('button') ?? cell).textContent)"
)
EVERY_ROW = "if (document.querySelector('#once').checked) document.querySelector('#once').click()"
INPUT = """
const field = document.querySelector(arguments[0]);
field.value = arguments[1];
field.dispatchEvent(new Event('input')); field.dispatchEvent(new Event('change'));
"""
CONTRAST = """
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
const behind = (node) => { for (; node; node = node.parentElement) {
  const c = getComputedStyle(node).backgroundColor;
  if (c !== 'rgba(0, 0, 0, 0)' && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
const texts = 'p, h1, h2, h3, th, td, dt, dd, a, button, label, li, .badge, .unit, .why';
return [...document.querySelectorAll(texts)]
  .filter((n) => n.offsetParent && n.textContent.trim())
  .map((n) => { const a = light(getComputedStyle(n).color), b = light(behind(n));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return [ratio, n.tagName + '.' + n.className, n.textContent.slice(0, 40)]; })
  .sort((x, y) => x[0] - y[0])[0];
"""


@pytest.fixture
def page(browser, report):
    browser.emulate()
    return browser.open(report)


def test_it_renders_every_picture_without_errors_or_requests(page):
    page.draw_all()
    marks = page.run(
        "return Object.fromEntries([...document.querySelectorAll('figure')].map((f) =>"
        " [f.dataset.picture, f.querySelectorAll('svg [class*=mark-] > *').length]))"
    )
    assert set(marks) == PICTURES
    assert all(count >= 3 for count in marks.values()), marks
    assert page.errors() == []
    assert page.requests() == []


def test_the_page_is_one_file_without_any_address(report):
    text = report.read_text(encoding="utf-8")
    assert not re.search(r"(?:https?|ftp|wss?):?//", text)
    assert not re.search(r"<(?:link|iframe|object|embed|base)\b", text)
    assert not re.search(r"\bsrc\s*=", text.split("<script")[0])
    assert len(text.encode()) < 5_000_000


def test_searching_and_sorting_change_the_table(page):
    page.run(EVERY_ROW)
    everything = page.run(COUNT)
    page.run(INPUT, "#search", "Li3PO4 NMC811")
    found = page.run(CELLS, 2)
    assert found
    assert set(found) == {"Li3PO4"}
    assert len(found) < everything
    page.run(INPUT, "#search", "")
    head = "document.querySelector('th[data-column=p_works]')"
    position = page.run(f"return [...{head}.parentElement.children].indexOf({head}) + 1")
    for direction in ("ascending", "descending"):
        page.run(f"{head}.querySelector('button').click()")
        assert page.run(f"return {head}.getAttribute('aria-sort')") == direction
        shown = [float(t.replace("−", "-")) for t in page.run(CELLS, position) if t != "–"]
        assert shown == sorted(shown, reverse=direction == "descending")
        assert len(set(shown)) > 2


def test_each_coating_once_is_the_first_row_of_each_and_opens_to_all(page):
    names = page.run(CELLS, 2)
    assert len(names) == len(set(names)) == 3
    page.run(EVERY_ROW)
    everything = page.run(CELLS, 2)
    assert len(everything) > 3
    assert list(dict.fromkeys(everything)) == names


def test_choosing_an_electrolyte_and_feasible_rows_narrows_the_table(page):
    page.run(EVERY_ROW)
    page.run(INPUT, "#ranking-controls select[name=electrolyte]", "Li3PS4")
    assert set(page.run(CELLS, 3)) == {"Li3PS4"}
    before = page.run(COUNT)
    page.run("document.querySelector('#feasible-only').click()")
    assert 0 < page.run(COUNT) < before
    verdict = "document.querySelector('th[data-column=verdict]')"
    position = page.run(f"return [...{verdict}.parentElement.children].indexOf({verdict}) + 1")
    assert set(page.run(CELLS, position)) == {"feasible"}


def test_the_export_is_the_table_as_csv(page):
    page.run(INPUT, "#search", "LiTaO3")
    text = page.driver.execute_async_script(
        "const done = arguments[0]; const real = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { blob.text().then(done); return real(blob); };"
        "document.querySelector('#export').click(); URL.createObjectURL = real;"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows
    assert {row["coating"] for row in rows} == {"LiTaO3"}
    assert all(float(row["asr_coating_ohm_cm2"]) > 0 for row in rows)
    assert all(row["why"] for row in rows)


def test_a_spreadsheet_runs_no_cell_of_the_export(page):
    text = page.run(
        "const r = new Ranking([{name: 'coating', kind: 'name', shown: true}],"
        "[{coating: '=cmd()|x'}, {coating: '@a,\"b\"'}], () => {}); return r.csv()"
    )
    assert text == 'coating\r\n\'=cmd()|x\r\n"\'@a,""b"""\r\n'


def test_choosing_a_row_opens_it_in_the_panel(page):
    page.run(INPUT, "#search", "Li3PO4 Li3PS4")
    page.run(f"document.querySelector('{ROWS} button').click()")
    assert page.run("return document.querySelector('#whatif-coating').textContent") == "Li3PO4"
    assert page.run("return document.querySelector('#whatif-electrolyte').textContent") == "Li3PS4"


def test_brushing_names_the_coatings_inside(page):
    page.draw_all()
    plot = "document.querySelector('[data-picture=tradeoff] svg')"
    box = page.run(
        f"{plot}.scrollIntoView({{block: 'center', behavior: 'instant'}});"
        f"const b = {plot}.getBoundingClientRect(); return [b.x, b.y]"
    )
    from selenium.webdriver.common.action_chains import ActionChains

    mouse = ActionChains(page.driver)
    mouse.w3c_actions.pointer_action.move_to_location(int(box[0] + 90), int(box[1] + 20))
    mouse.w3c_actions.pointer_action.pointer_down()
    mouse.w3c_actions.pointer_action.move_to_location(int(box[0] + 420), int(box[1] + 300))
    mouse.w3c_actions.pointer_action.pointer_up()
    mouse.perform()
    page.wait("return document.querySelector('#brushed').textContent.startsWith('Inside')")
    assert "Li" in page.run("return document.querySelector('#brushed').textContent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_text_stands_out_and_fits_in_every_scheme_and_width(browser, report, scheme, width):
    browser.emulate(width=width, scheme=scheme)
    page = browser.open(report)
    ratio, where, text = page.run(CONTRAST)
    assert ratio >= 4.5, (where, text)
    overflow = page.run("return document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    paper = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(20, 22, 26)") == (scheme == "dark")


def test_every_picture_and_control_has_a_name(page):
    page.draw_all()
    unnamed = page.run(
        "return [...document.querySelectorAll('input, select')].filter((n) =>"
        " !n.labels?.length && !n.ariaLabel).map((n) => n.name || n.id)"
    )
    assert unnamed == []
    texts = page.run(
        "return [...document.querySelectorAll('.picture')].map((n) => n.getAttribute('aria-label'))"
    )
    assert all(len(text.split()) > 8 for text in texts)
    assert page.run("return document.querySelectorAll('h1').length") == 1


def test_the_keyboard_reaches_search_sort_and_sliders_in_reading_order(page):
    reached = page.run(
        "return [...document.querySelectorAll('a, button, input, select, [tabindex]')]"
        ".filter((n) => n.offsetParent && n.tabIndex >= 0).map((n) => n.id || n.className)"
    )
    order = ["search", "export", "whatif-coating_thickness_nm"]
    assert [reached.index(each) for each in order] == sorted(reached.index(e) for e in order)
    assert page.run(
        "return [...document.querySelectorAll('[tabindex]')].every((n) => n.tabIndex <= 0)"
    )


def test_hostile_names_are_only_text(browser, hostile):
    browser.emulate()
    page = browser.open(hostile)
    page.draw_all()
    assert page.run("return window.hit") is None
    assert page.errors() == []
    assert page.requests() == []
    assert page.run("return document.querySelectorAll('main img, main script').length") == 0
    shown = set(page.run(CELLS, 2))
    assert "<script>window.hit=1</script><img src=x onerror=window.hit=1>" in shown
    assert any(text.startswith("⟨U+202E⟩OPil⟨U+2066⟩W") for text in shown)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run("return document.querySelector('h1').textContent").startswith("<script>")


def test_nothing_but_the_pages_own_scripts_may_run(page):
    page.run(
        "const script = document.createElement('script'); script.textContent = 'window.hit = 1';"
        "const button = document.createElement('button');"
        "button.setAttribute('onclick', 'window.hit = 2');"
        "document.body.append(script, button); button.click(); setTimeout('window.hit = 3', 0);"
        "setTimeout(() => { window.waited = true; }, 50);"
    )
    page.wait("return window.waited")
    assert page.run("return window.hit") is None
    assert sum("Content Security Policy" in message for message in page.errors()) >= 3
