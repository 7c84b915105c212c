"""JSON pages over HTTP within bounds: bytes after unpacking, seconds, pages, and one host.

A server may be slow, endless or hostile: the bounds hold for the whole answer, also for unpacked
pages; a page seen before and an address of another host or kind end the reading with the reason.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from threading import Thread
from time import monotonic
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from muli.candidates.importers.entries import ImportRefused
from muli.candidates.importers.limits import parse_json

_CHUNK = 2**16
_MOVED = (301, 302, 303, 307, 308)
_AGENT = {"User-Agent": "muli", "Accept": "application/json", "Accept-Encoding": "gzip"}


@dataclass(frozen=True)
class Bounds:
    """Bounds of one whole answer: unpacked bytes, seconds, pages, and seconds without data."""

    bytes: int = 2**29
    seconds: float = 1800.0
    pages: int = 20_000
    silence: float = 60.0


def pages(address: str, bounds: Bounds | None = None) -> Iterator[dict[str, Any]]:
    """JSON objects from an address and from the addresses of `links.next`, one after the other.

    Raises ImportRefused beyond the bounds, where a page comes twice, is no JSON object, names
    another host, or where the server gives an error or no answer.
    """
    answer = _Answer(address, bounds or Bounds())
    following: str | None = address
    while following:
        page = answer.read(following)
        yield page
        following = _next(page, following)


def _next(page: dict[str, Any], address: str) -> str | None:
    links = page.get("links")
    named = links.get("next") if isinstance(links, dict) else None
    if isinstance(named, dict):
        named = named.get("href")
    return urljoin(address, named) if isinstance(named, str) and named else None


class _Answer:
    """The part of an answer that has been read so far, checked against the bounds."""

    def __init__(self, address: str, bounds: Bounds) -> None:
        parts = urlsplit(address)
        self._name = f"{parts.scheme}://{parts.netloc}{parts.path}"[:200]
        self._host = parts.hostname
        self._bounds = bounds
        self._end = monotonic() + bounds.seconds
        self._left = bounds.bytes
        self._seen: set[str] = set()

    def read(self, address: str) -> dict[str, Any]:
        """The page at an address."""
        self._check(address)
        page = parse_json(self._in_time(address), self._name)
        if not isinstance(page, dict):
            raise ImportRefused(f"{self._name}: not a page of an OPTIMADE answer")
        return page

    def _in_time(self, address: str) -> bytes:
        """The text at an address. Raises ImportRefused when the time is over, at any step."""
        results: list[bytes | BaseException] = []

        def work() -> None:
            try:
                results.append(self._open(address))
            except BaseException as error:  # raised below
                results.append(error)

        thread = Thread(target=work, daemon=True)
        thread.start()
        thread.join(max(self._end - monotonic(), 0.0))
        if not results:
            raise self._too_long()
        if isinstance(results[0], BaseException):
            raise results[0]
        return results[0]

    def _open(self, address: str) -> bytes:
        request = Request(address, headers=_AGENT)
        try:
            with build_opener(_Stay).open(request, timeout=self._bounds.silence) as response:
                return self._content(response)
        except HTTPError as error:
            with error:
                moved = error.headers.get("Location") if error.code in _MOVED else None
                if not moved:
                    raise ImportRefused(f"{self._name}: {_reason(error)}") from error
        except URLError as error:
            raise ImportRefused(f"{self._name}: no answer ({error.reason})") from error
        except (OSError, HTTPException, zlib.error) as error:
            raise ImportRefused(f"{self._name}: the answer broke off ({error})") from error

        following = urljoin(address, moved)
        self._check(following)
        return self._open(following)

    def _too_long(self) -> ImportRefused:
        return ImportRefused(f"{self._name}: took longer than {self._bounds.seconds:g} s")

    def _check(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or parts.hostname != self._host:
            raise ImportRefused(f"{self._name}: names a page of another host: {address[:200]}")
        if address in self._seen:
            raise ImportRefused(f"{self._name}: names a page again that was read: {address[:200]}")
        if len(self._seen) >= self._bounds.pages:
            raise ImportRefused(f"{self._name}: more than {self._bounds.pages:,} pages")
        self._seen.add(address)

    def _content(self, response: HTTPResponse) -> bytes:
        packed = response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip")
        unpacker = zlib.decompressobj(wbits=31) if packed else None
        content = bytearray()
        while chunk := response.read1(_CHUNK):
            if monotonic() > self._end:
                raise self._too_long()
            content += unpacker.decompress(chunk, self._left + 1) if unpacker else chunk
            if len(content) > self._left:
                limit = f"{self._bounds.bytes:,} bytes"
                raise ImportRefused(f"{self._name}: answers more than {limit}; ask for less")
        if unpacker and not unpacker.eof:
            raise ImportRefused(f"{self._name}: the answer broke off (packed data are cut)")
        self._left -= len(content)
        return bytes(content)


class _Stay(HTTPRedirectHandler):
    """Returns a redirection as an error, so that its address is checked like any other."""

    def redirect_request(self, *request: Any) -> None:
        """No new request: redirections are not followed here."""


def _reason(error: HTTPError) -> str:
    """The server's reason, from the body of an OPTIMADE error where there is one."""
    try:
        errors = json.loads(error.read(_CHUNK)).get("errors")
        reason = "; ".join(str(one.get("detail") or one.get("title")) for one in errors)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        reason = str(error.reason)
    return f"the server answers {error.code}: {reason[:500]}"
