"""Whether saved pages hold a complete answer, from what the pages state themselves.

A part of an answer lacks phases, and a hull without them makes windows too wide. A set of pages is
complete where one of them states that it is the last, no page between is missing, and no page
states a total that is larger than the number of entries in all of them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from muli.candidates.importers.entries import ImportRefused

Page = Mapping[str, Any]

_MORE = (
    "more_data_available",
    "has_more",
    "has_next",
    "hasMore",
    "hasNext",
    "has_next_page",
    "hasNextPage",
)
_NEXT = (
    "next",
    "next_page",
    "next_url",
    "next_page_url",
    "next_page_after_value",
    "next_page_token",
    "next_cursor",
    "nextPage",
    "nextPageToken",
    "nextCursor",
)
_TOTALS = (
    "total_doc",
    "total_docs",
    "total",
    "total_count",
    "totalCount",
    "total_results",
    "total_entries",
    "num_entries",
    "n_entries",
    "num_results",
    "numResults",
    "n_results",
    "nresults",
    "num_total",
    "n_total",
    "ntotal",
    "total_hits",
    "count",
)
_PAGING = ("page_", "_skip", "_limit")
_PLACES = ("meta", "links", "pagination", "paging", "page", "pageInfo", "page_info")
_WAY_OUT = "save all pages into one folder and give the folder, or ask the database: "
_LIVE = "`muli candidates import URL --elements ...`"


def require_complete(pages: Sequence[tuple[str, Page, int]]) -> None:
    """Raise ImportRefused where an answer has more pages than those held.

    `pages`: name of the file, the page, and how many items it holds.
    """
    for group in _queries(pages).values():
        going_on = [(name, page, held) for name, page, held in group if _goes_on(page)]
        if len(going_on) == len(group):
            name, page, held = going_on[0]
            more = _following(page) or "more data"
            raise ImportRefused(
                f"{name}: holds {held} entries and says that the answer goes on ({more}); a hull "
                f"without the rest makes windows too wide: {_WAY_OUT}{_LIVE}"
            )
        _require_chain(group)
        _require_total(group, trust_returned=not going_on and not _has_flags(group))


def _queries(
    pages: Sequence[tuple[str, Page, int]],
) -> dict[str, list[tuple[str, Page, int]]]:
    """Pages of one query together: those whose query, without its paging, is the same."""
    groups: dict[str, list[tuple[str, Page, int]]] = defaultdict(list)
    for name, page, held in pages:
        address = urlsplit(_representation(page))
        query = parse_qs(address.query)
        kept = sorted((key, *query[key]) for key in query if not key.startswith(_PAGING))
        groups[f"{address.path}?{kept}"].append((name, page, held))
    return groups


def _representation(page: Page) -> str:
    """The address of the request for a page; "" where the page does not state it."""
    meta = page.get("meta")
    query = meta.get("query") if isinstance(meta, Mapping) else None
    text = query.get("representation") if isinstance(query, Mapping) else None
    return str(text or "")


def _stated(page: Page) -> list[Mapping[str, Any]]:
    """The page itself and those of its parts that describe it."""
    return [page, *(page[key] for key in _PLACES if isinstance(page.get(key), Mapping))]


def _goes_on(page: Page) -> bool:
    return any(part.get(key) is True for part in _stated(page) for key in _MORE) or bool(
        _following(page)
    )


def _following(page: Page) -> str:
    """Address or place of the next page; "" where none is named."""
    for part in _stated(page):
        for key in _NEXT:
            value = part.get(key)
            if isinstance(value, Mapping):
                value = value.get("href")
            if value:
                return str(value)[:200]
    return ""


def _has_flags(group: Sequence[tuple[str, Page, int]]) -> bool:
    """Whether any page of the answer states whether more data follow."""
    keys = {*_MORE, "next"}
    return any(keys & part.keys() for _, page, _ in group for part in _stated(page))


def _require_chain(group: Sequence[tuple[str, Page, int]]) -> None:
    """Refuse pages where a next page is missing, as far as the addresses show it."""
    offsets = sorted(
        (start, held, name)
        for name, page, held in group
        if (start := _offset(_following(page))) is not None
    )
    begin = 0
    for start, held, name in offsets:
        if start - begin != held:
            raise ImportRefused(
                f"{name}: the next page starts after {start} entries, but the pages before it "
                f"hold {begin + held}: a page is missing; {_WAY_OUT}{_LIVE}"
            )
        begin = start
    last = [name for name, page, _ in group if not _goes_on(page)]
    if len(last) > 1 and len(last) < len(group):
        names = ", ".join(last)
        raise ImportRefused(f"{names}: several last pages of one answer; keep those of one")
    _require_named(group)


def _require_named(group: Sequence[tuple[str, Page, int]]) -> None:
    """Refuse pages that name a next page which is not held, where pages state their own place."""
    own = {_paging(_representation(page)) for _, page, _ in group} - {frozenset()}
    keys = {frozenset(key for key, _ in place) for place in own}
    for name, page, _ in group:
        place = _paging(_following(page))
        if place and frozenset(key for key, _ in place) in keys and place not in own:
            where = ", ".join(f"{key}={value}" for key, value in sorted(place))
            raise ImportRefused(
                f"{name}: the page that follows ({where}) is missing; {_WAY_OUT}{_LIVE}"
            )


def _paging(address: str) -> frozenset[tuple[str, str]]:
    """The parameters of an address that give the place of its page in the answer."""
    query = parse_qs(urlsplit(address).query)
    return frozenset(
        (key, values[0])
        for key, values in query.items()
        if key.startswith(_PAGING) and key not in ("page_limit", "_limit")
    )


def _offset(address: str) -> int | None:
    """Number of entries before the page at an address; None where the address has no offset."""
    query = parse_qs(urlsplit(address).query)
    for key in ("page_offset", "_skip", "offset", "skip"):
        text = query.get(key, [""])[0]
        if text.isascii() and text.isdigit():
            return int(text)
    return None


def _require_total(group: Sequence[tuple[str, Page, int]], trust_returned: bool) -> None:
    """Refuse pages that state a total larger than the number of entries in all of them.

    `data_returned` of OPTIMADE is often wrong: it is used only where no flag is given.
    """
    keys = (*_TOTALS, "data_returned") if trust_returned else _TOTALS
    held: dict[int, int] = defaultdict(int)
    first: dict[int, str] = {}
    for name, page, count in group:
        stated = [_count(part[key]) for part in _stated(page) for key in keys if key in part]
        for total in {value for value in stated if value is not None}:
            held[total] += count
            first.setdefault(total, name)
    for total, count in held.items():
        if total > count:
            raise ImportRefused(
                f"{first[total]}: states {total} entries, {count} are held; a hull without the "
                f"rest makes windows too wide: {_WAY_OUT}{_LIVE}"
            )


def _count(stated: Any) -> int | None:
    """A whole number, also as text or with a decimal point; None for anything else."""
    if isinstance(stated, str) and stated.isascii() and stated.isdigit() and len(stated) < 20:
        return int(stated)
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        return None
    return int(stated) if stated == stated // 1 else None
