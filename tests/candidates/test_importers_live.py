"""Live importers against real servers on this machine: the OPTIMADE reference server, and the
Materials Project's own client against its recorded protocol. Energies are made up."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from muli.candidates.importers import ImportRefused, fetch_materials_project, fetch_optimade

pytestmark = pytest.mark.full

COMPOUNDS = {
    "Li2O": ("Li", "O", -2.06),
    "Li2O2": ("Li", "O", -1.64),
    "LiF": ("F", "Li", -3.18),
    "NaF": ("F", "Na", -2.98),
}


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _structure(number, formula):
    first, second, energy = COMPOUNDS[formula]
    return {
        "id": f"toy-{number}",
        "type": "structures",
        "attributes": {
            "chemical_formula_reduced": {"Li2O2": "LiO", "LiF": "FLi", "NaF": "FNa"}.get(
                formula, formula
            ),
            "elements": [first, second],
            "nelements": 2,
            "last_modified": "2020-01-01T00:00:00Z",
            "formation_energy": energy,  # served under the provider's prefix
        },
    }


@pytest.fixture(scope="module")
def optimade_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("optimade")
    header = {"x-optimade": {"meta": {"api_version": "1.2.0"}}}
    info = {"type": "info", "id": "structures", "description": "toy", "properties": {}}
    lines = [header, info, *(_structure(n, f) for n, f in enumerate(COMPOUNDS))]
    data = folder / "structures.jsonl"
    data.write_text("\n".join(map(json.dumps, lines)))
    config = folder / "config.json"
    settings = {
        "insert_from_jsonl": str(data),
        "insert_test_data": False,
        "create_default_index": False,
        "page_limit": 2,
        "provider": {"prefix": "exmpl", "name": "toy", "description": "toy"},
        "provider_fields": {"structures": ["formation_energy"]},
    }
    config.write_text(json.dumps(settings))
    port = _free_port()
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "optimade.server.main:app", "--port", str(port)],
            env={**os.environ, "OPTIMADE_CONFIG_FILE": str(config)},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/v1/structures", server, folder / "server.log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(url, server, log, patience=120):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if server.poll() is not None:
            pytest.fail(f"the server stopped: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    pytest.fail(f"no answer from {url}: {log.read_text()[-2000:]}")


class TestOptimadeServer:
    def test_a_chemical_system_over_several_pages(self, optimade_server):
        found = fetch_optimade(optimade_server, ["Li", "O", "F"], "_exmpl_formation_energy")
        energies = dict(zip(found.energies.formulas, found.energies.formation_energy, strict=True))
        assert energies == {"Li2O": -2.06, "Li2O2": -1.64, "LiF": -3.18}
        assert found.energies.provenance["source"] == optimade_server
        assert found.energies.provenance["field"] == "_exmpl_formation_energy"

    def test_a_database_without_energies_is_refused(self, optimade_server):
        with pytest.raises(ImportRefused, match="name the field"):
            fetch_optimade(optimade_server, ["Li", "O"])

    def test_a_dead_address_is_refused(self):
        with pytest.raises(ImportRefused, match=r"127\.0\.0\.1"):
            fetch_optimade(f"http://127.0.0.1:{_free_port()}", ["Li"], "_exmpl_formation_energy")


DOCUMENTS = [
    ("Li2O", {"Li": 2.0, "O": 1.0}, "Li-O", -2.06),
    ("Li2O2", {"Li": 1.0, "O": 1.0}, "Li-O", -1.64),
    ("Li", {"Li": 1.0}, "Li", 0.0),
    ("O2", {"O": 1.0}, "O", 0.0),
    ("LiF", {"Li": 1.0, "F": 1.0}, "F-Li", -3.18),
]

HEARTBEAT = {"db_version": "2025.09.25", "version": "0.84.0", "access_controlled_batch_ids": []}


class _Recorded(BaseHTTPRequestHandler):
    """The two routes that the client asks: the heartbeat, and thermo documents by query."""

    queries: list[dict[str, list[str]]] = []  # noqa: RUF012

    def do_GET(self):
        address = urlparse(self.path)
        query = parse_qs(address.query)
        if address.path.endswith("heartbeat"):
            return self._answer(HEARTBEAT)
        self.queries.append(query | {"key": [self.headers.get("x-api-key")]})
        systems = set(query.get("chemsys", [""])[0].split(","))
        wanted = [
            self._document(n, *one) for n, one in enumerate(DOCUMENTS, 1) if one[2] in systems
        ]
        skip = int(query.get("_skip", ["0"])[0])
        limit = int(query.get("_limit", ["100"])[0])
        page = wanted[skip : skip + limit]
        return self._answer({"data": page, "meta": {"total_doc": len(wanted)}})

    @staticmethod
    def _document(number, formula, composition, system, energy):
        return {
            "material_id": f"mp-{number}",
            "formula_pretty": formula,
            "composition_reduced": composition,
            "formation_energy_per_atom": energy,
            "thermo_type": "GGA_GGA+U",
        }

    def _answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Keep the test's output quiet."""


@pytest.fixture
def materials_project(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Recorded)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("MP_API_KEY", "k" * 32)
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestMaterialsProjectClient:
    @pytest.mark.filterwarnings("ignore")  # the client's own
    def test_one_hull_of_a_chemical_system(self, materials_project):
        found = fetch_materials_project(["Li", "O"], endpoint=materials_project)
        assert set(found.energies.formulas) == {"Li2O", "Li2O2", "Li", "O2"}
        assert found.energies.provenance["functional"] == "GGA_GGA+U"
        asked = _Recorded.queries[-1]
        assert asked["thermo_types"] == ["GGA_GGA+U"]
        assert asked["key"] == ["k" * 32]
