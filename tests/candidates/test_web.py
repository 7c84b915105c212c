"""Answers of slow, endless and hostile servers end within their bounds, with the reason."""

import gzip
import json
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from muli.candidates.importers import ImportRefused, fetch_optimade
from muli.candidates.importers.web import Bounds

FIELD = "_toy_energy"


def page(number, following, more=None):
    attributes = {"chemical_formula_reduced": f"Li{number + 1}F", FIELD: -2.0}
    one = {"id": str(number), "type": "structures", "attributes": attributes}
    more = following is not None if more is None else more
    return {"data": [one], "links": {"next": following}, "meta": {"more_data_available": more}}


@contextmanager
def served(answer):
    """A server that answers by `answer(handler)`; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with suppress(OSError):  # the client has left
                answer(self)

        def log_message(self, *words):
            """Keep the output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler, body, headers=(), status=200):
    handler.send_response(status)
    for name, value in (("Content-Length", str(len(body))), *headers):
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def send_json(handler, content, **more):
    send(handler, json.dumps(content).encode(), **more)


def assert_refused(answer, words, bounds=None):
    with served(answer) as address, pytest.raises(ImportRefused, match=words):
        fetch_optimade(address, ["Li", "F"], FIELD, bounds or Bounds(seconds=20))


def test_pages_are_followed_to_the_last_and_packed_ones_are_read():
    def answer(handler):
        number = int(handler.path.split("offset=")[1]) if "offset" in handler.path else 0
        following = f"/v1/structures?offset={number + 1}" if number < 3 else None
        body = gzip.compress(json.dumps(page(number, following)).encode())
        send(handler, body, [("Content-Encoding", "gzip")])

    with served(answer) as address:
        found = fetch_optimade(address, ["Li", "F"], FIELD)
    assert len(found.energies.formulas) == 4


def test_a_page_seen_before_is_refused():
    assert_refused(
        lambda h: send_json(h, page(0, "/v1/structures?offset=1")), "again that was read"
    )


def test_endless_pages_end_at_their_number():
    count = iter(range(10**6))

    def answer(handler):
        number = next(count)
        send_json(handler, page(number, f"/v1/structures?offset={number + 1}"))

    assert_refused(answer, "more than 30 pages", Bounds(pages=30, seconds=30))


def test_a_last_page_that_says_it_goes_on_is_refused():
    assert_refused(lambda h: send_json(h, page(0, None, more=True)), "says that the answer goes on")


@pytest.mark.parametrize("packed", [False, True])
def test_bytes_are_bounded_after_unpacking(packed):
    body = json.dumps(page(0, None) | {"padding": "0" * 3_000_000}).encode()

    def answer(handler):
        if packed:
            send(handler, gzip.compress(body), [("Content-Encoding", "gzip")])
        else:
            send(handler, body)

    assert_refused(answer, "answers more than 1,000,000 bytes", Bounds(bytes=1_000_000, seconds=20))


@pytest.mark.parametrize("where", ["body", "header"])
def test_a_server_that_drips_ends_with_the_time(where):
    def answer(handler):
        if where == "body":
            handler.send_response(200)
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    assert_refused(answer, r"took longer than 0\.3 s", Bounds(seconds=0.3))


@pytest.mark.parametrize("to", ["http://localhost:1/v1/structures", "file:///etc/hostname"])
@pytest.mark.parametrize("how", ["next", "redirect"])
def test_other_hosts_and_files_are_not_followed(to, how):
    def answer(handler):
        if how == "next":
            send_json(handler, page(0, to))
        else:
            send(handler, b"", [("Location", to)], status=302)

    assert_refused(answer, "another host")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"[1]", "not a page"),
        (b"<html>busy</html>", "not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"data": 7}', "without a list of structures"),
        (b'{"errors": [{"detail": "no such filter"}]}', "no such filter"),
    ],
)
def test_what_is_no_page_is_refused(body, words):
    assert_refused(lambda handler: send(handler, body), words)


def test_an_error_of_the_server_is_told():
    told = {"errors": [{"detail": "filter is not understood"}]}
    assert_refused(lambda h: send_json(h, told, status=400), r"400: filter is not understood")


def test_a_packed_answer_that_is_cut_is_refused():
    body = gzip.compress(json.dumps(page(0, None)).encode())[:-12]
    assert_refused(lambda h: send(h, body, [("Content-Encoding", "gzip")]), "broke off")
