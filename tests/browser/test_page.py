"""The report in a real browser without network: it renders, answers, and runs nothing foreign."""

import csv
import io
import re

import pytest

PICTURES = {
    "coverage",
    "questions",
    "spread",
    "whatif-profile",
    "whatif-map",
    "whatif-growth",
    "profiles",
    "tradeoff",
    "windows",
    "reactions",
    "tolerance",
}
ROWS = "#ranking tbody tr[data-coating]"
COUNT = f"return document.querySelectorAll('{ROWS}').length"
CELLS = (
    "const at = [...document.querySelectorAll('#ranking thead th')]"
    ".findIndex((th) => th.dataset.column === arguments[0]);"
    "return [...document.querySelectorAll('#ranking tbody tr[data-coating]')]"
    ".map((line) => line.children[at])"
    ".map((cell) => (cell.querySelector('button, bdi') ?? cell).textContent)"
)
"""The texts of a column, by its name."""
EVERY_ROW = """
for (const select of document.querySelectorAll("#scenario-controls select")) {
  select.value = "*"; select.dispatchEvent(new Event("change"));
}
document.querySelector("#more").click();
"""
"""Opens every scenario."""
CHOOSE = """
const select = document.querySelector(`#scenario-controls select[name=${arguments[0]}]`);
select.value = [...select.options].find((o) => o.textContent === arguments[1]).value;
select.dispatchEvent(new Event("change"));
"""
HEADLINE = "return document.querySelector('#headline').textContent"
DATA = "return JSON.parse(document.querySelector('#data').textContent)"
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
    page.run(INPUT, "#search", "Li3PO4")
    found = page.run(CELLS, "coating")
    assert found
    assert set(found) == {"Li3PO4"}
    assert len(found) < everything
    page.run(INPUT, "#search", "")
    head = "document.querySelector('th[data-column=p_works]')"
    for direction in ("ascending", "descending"):
        page.run(f"{head}.querySelector('button').click()")
        assert page.run(f"return {head}.getAttribute('aria-sort')") == direction
        texts = page.run(CELLS, "p_works")
        shown = [float(text.replace("<0.1", "0").replace(">99.9", "100")) for text in texts]
        assert shown == sorted(shown, reverse=direction == "descending")
        assert len(set(shown)) > 1
    places = [int(text.partition("rank")[0]) for text in page.run(CELLS, "rank")]
    assert places == [*range(1, len(places) + 1)]


def test_each_scenario_stands_alone_in_the_order_of_the_ranking(page, dataset):
    from muli.screen.dataset.results import open_results
    from muli.screen.ranking.rank import ranking

    results = open_results(dataset)
    axes = [axis["name"] for axis in page.run(DATA)["scenarios"]["axes"]]
    assert axes == ["electrolyte", "cathode", "boundary", "cathode_state", "coating_sigma_ele_S_cm"]
    expected = ranking(results, top=None)
    assert page.run(CELLS, "coating") == expected.rows["coating"].tolist()
    assert "Li6PS5Cl 30 µm · NMC811 4.27 V" in page.run(HEADLINE)
    page.run(CHOOSE, "electrolyte", "Li₃PS₄")
    page.run(CHOOSE, "boundary", "electrode")
    where = "electrolyte = 'Li3PS4' AND boundary = 'electrode'"
    other = ranking(results, top=None, where=where)
    assert page.run(CELLS, "coating") == other.rows["coating"].tolist()
    shown = [text.rstrip("=") for text in page.run(CELLS, "rank")]
    assert shown == [str(rank) for rank in other.rows["rank"]]
    assert "Li3PS4" in page.run(HEADLINE)
    assert "boundary electrode" in page.run(HEADLINE)
    told = page.run(CELLS, "scenario")
    assert set(told) == {"Li₃PS₄ · NMC811 · electrode · charged · 10⁻¹⁴ S/cm"}


def test_several_scenarios_are_headed_and_never_mixed(page):
    page.run(CHOOSE, "electrolyte", "every one")
    heads = page.run(
        "return [...document.querySelectorAll('#ranking tr.group')].map((n) => n.textContent)"
    )
    assert len(heads) == len(set(heads)) == 2
    ranks = [text.rstrip("=") for text in page.run(CELLS, "rank")]
    assert len(ranks) == page.run(COUNT) == 6
    assert ranks[0] == ranks[3] == "1"
    assert page.run(HEADLINE).startswith("2 scenarios")


def test_the_address_leads_back_to_what_is_open(browser, page, report):
    page.run(CHOOSE, "electrolyte", "Li₃PS₄")
    page.run(f"document.querySelector('{ROWS}[data-coating=LiTaO3] button').click()")
    address = page.run("return location.href")
    assert "electrolyte=Li3PS4" in address
    assert address.endswith("coating=LiTaO3")
    browser.open(report)
    browser.driver.get("about:blank")
    browser.driver.get(address)
    browser.wait("return document.documentElement.dataset.ready === 'yes'")
    assert page.run("return document.querySelector('#whatif-coating').textContent") == "LiTaO3"
    assert "Li3PS4" in page.run(HEADLINE)
    opened = "return document.querySelector('#ranking .open-row').dataset.coating"
    assert page.run(opened) == "LiTaO3"
    assert browser.errors() == []


def test_probabilities_are_bars_with_their_numbers(page):
    row = page.run(
        "const data = JSON.parse(document.querySelector('#data').textContent);"
        "return unpack(data.rows).find((row) => row.scenario === 0)"
    )
    names = ("p_works", "p_protects", "p_affordable", "p_stable", "p_inert")
    widths = page.run(
        "return [...document.querySelector('#ranking tbody tr[data-coating]')"
        ".querySelectorAll('.meter rect:not(.track)')].map((n) => +n.getAttribute('width'))"
    )
    assert widths == pytest.approx([100 * row[name] for name in names], abs=0.01)


def test_columns_are_shown_on_demand(page):
    labels = "[...document.querySelectorAll('#columns label')]"
    box = f"{labels}.find((label) => label.textContent.includes('Verdict'))"
    page.run(f"{box}.querySelector('input').click()")
    assert set(page.run(CELLS, "verdict")) <= {"protects", "fails", "too resistive", "open"}
    page.run(f"{box}.querySelector('input').click()")
    assert page.run("return document.querySelector('th[data-column=verdict]')") is None


def test_formulas_have_subscripts_that_copy_as_digits(page):
    sub = 'return document.querySelector("#ranking tr[data-coating=LiNbO3] button").innerHTML'
    assert "LiNbO<sub>3</sub>" in page.run(sub)
    words = [
        "Li6PS5Cl",
        "NMC811",
        "0.3LiBO2-0.7Li2SO4",
        "Li1.3Al0.3",
        "LiBa(B3O5)3",
        "4.3 V",
        "p50",
    ]
    assert page.run("return arguments[0].map(typeset)", words) == [
        "Li₆PS₅Cl",
        "NMC811",
        "0.3LiBO₂-0.7Li₂SO₄",
        "Li₁.3Al₀.3",
        "LiBa(B₃O₅)₃",
        "4.3 V",
        "p50",
    ]
    assert page.run("return document.querySelector('abbr[title=\"electronic conductivity\"]')")


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
    assert all(float(row["asr_median_ohm_cm2"]) > 0 for row in rows)
    assert {row["electrolyte"] for row in rows} == {"Li6PS5Cl"}
    assert {float(row["coating_sigma_ele_S_cm"]) for row in rows} == {1e-14}


def test_a_spreadsheet_runs_no_cell_of_the_export(page):
    text = page.run(
        "document.querySelector('#scenario-controls').replaceChildren();"
        "const scenarios = {axes: [], headlines: [''], coatings: [2], always: []};"
        "const rows = [{scenario: 0, coating: '=cmd()|x'}, {scenario: 0, coating: '@a,\"b\"'}];"
        "const columns = [{name: 'coating', kind: 'coating', label: '', unit: '', shown: true}];"
        "return new Ranking({columns, rows, scenarios, folders: ''}, () => {}).csv()"
    )
    assert text == 'coating\r\n\'=cmd()|x\r\n"\'@a,""b"""\r\n'


def test_choosing_a_row_opens_it_in_the_panel(page):
    page.run(CHOOSE, "electrolyte", "Li₃PS₄")
    page.run(INPUT, "#search", "Li3PO4")
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
@pytest.mark.parametrize("width", [390, 500, 1280])
def test_text_stands_out_and_fits_in_every_scheme_and_width(browser, report, scheme, width):
    browser.emulate(width=width, scheme=scheme)
    page = browser.open(report)
    ratio, where, text = page.run(CONTRAST)
    assert ratio >= 4.5, (where, text)
    overflow = page.run("return document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    table = "document.querySelector('#table')"
    assert page.run(f"return {table}.scrollWidth - {table}.parentElement.clientWidth") <= 0
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
    shown = set(page.run(CELLS, "coating"))
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
