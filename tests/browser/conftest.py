"""A headless Chromium without network, and pages to open in it."""

import json
import shutil

import pytest

selenium = pytest.importorskip("selenium", reason="selenium is missing: pip install -e '.[dev]'")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,1000",
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """One Chromium process; every page's console errors and requests are watched."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path):
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(path.as_uri())
        self.wait("return document.documentElement.dataset.ready === 'yes'")
        return self

    def wait(self, script, *arguments):
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, 20).until(lambda d: d.execute_script(script, *arguments))

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def draw_all(self):
        """Wait until every picture is drawn."""
        self.wait("return [...document.querySelectorAll('figure')].every((f) => f.dataset.drawn)")

    def errors(self):
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]

    def requests(self):
        """Addresses asked for since the page was opened, the page itself left out."""
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith(("file:", "blob:", "data:"))]

    def emulate(self, *, width=1280, scheme="light"):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 700},
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    binary = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    driver_path = shutil.which("chromedriver")
    if not binary or not driver_path:
        pytest.skip("needs Chromium: sudo apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    try:
        yield Browser(driver)
    finally:
        driver.quit()


SPEC = {
    "screen": {"name": "three coatings on argyrodite", "boundary": ["auto", "electrode"]},
    "axes": {
        "coating": ["LiNbO3", "Li3PO4", "LiTaO3"],
        "coating_thickness_nm": {"start": 0.5, "stop": 500, "num": 60, "spacing": "log"},
        "electrolyte": ["Li6PS5Cl", "Li3PS4"],
        "cathode": ["NMC811", "LiCoO2"],
        "coating.sigma_ele_S_cm": [1e-14, 1e-12],
    },
    "output": {"mode": "all"},
}
HOSTILE = {
    "LiNbO3": "<script>window.hit=1</script><img src=x onerror=window.hit=1>",
    "Li3PO4": "</script><script>window.hit=2</script>\"'&={{7*7}}${window.hit=3}",
    "LiTaO3": "\u202eOPil\u2066" + "W" * 5000,
}


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """A small finished run."""
    from muli.screen.running.run import run

    folder = tmp_path_factory.mktemp("run") / "three"
    run(SPEC, folder)
    return folder


@pytest.fixture(scope="session")
def report(dataset, tmp_path_factory):
    """Its page."""
    from muli.screen.report import report

    return report(dataset, tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="session")
def hostile(dataset, tmp_path_factory):
    """The page of the same run with names meant to do harm, as a mailed folder could have."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from muli.screen.dataset.manifest import File
    from muli.screen.dataset.manifest import read as read_manifest
    from muli.screen.report import report
    from tests.screen.screens import parts_of, rewritten, sums

    folder = tmp_path_factory.mktemp("hostile") / "<img src=x onerror=window.hit=4>"
    shutil.copytree(dataset, folder)
    for part in folder.glob("part-*.parquet"):
        table = pq.read_table(part)
        names = [HOSTILE.get(name, name) for name in table["coating"].to_pylist()]
        column = table.column_names.index("coating")
        field = table.schema.field(column).with_type(pa.string())
        pq.write_table(table.set_column(column, field, [names]), part)
    path = folder / "materials" / "coating.parquet"
    coatings = pd.read_parquet(path)
    coatings["name"] = [HOSTILE.get(name, name) for name in coatings["name"]]
    coatings.to_parquet(path, index=False)
    materials = read_manifest(folder).materials
    materials["coating"] = File("materials/coating.parquet", **sums(path))
    named = {"name": HOSTILE["LiNbO3"], "notes": [HOSTILE["Li3PO4"]]}
    rewritten(folder, **named, materials=materials, parts=parts_of(folder))
    return report(folder, folder.parent / "hostile.html")
