"""The map of the rooms as a picture: each room below those that know it.

In go the rooms with what each knows (`test_layers`), out comes an SVG, which readers see on the
code host and on the site without a script from elsewhere. An arrow over several rows has a place
of its own in each of them, so that it passes between the rooms.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

from tests.unit_tests.test_layers import ROOMS

_WIDTH, _ROW, _BOX, _GAP, _EDGE = 760, 74, 30, 14, 24
_LETTER = 7.6

# A room, or the place of an arrow in a row: the room it comes from, the one it leads to, the row.
Place = str | tuple[str, str, int]


def house_svg() -> str:
    """Return the picture."""
    rows = _rows()
    height = 2 * _EDGE + (len(rows) - 1) * _ROW + _BOX
    x = {place: center for row in rows for place, center in _centers(row).items()}
    arrows = [_arrow(way, x) for way in _ways()]
    boxes = [_box(room, x[room]) for room in ROOMS]
    return "\n".join([*_head(height), *arrows, *boxes, "</svg>", ""])


def direct(room: str) -> list[str]:
    """Return the rooms that a room knows and that none of the others leads to."""
    return sorted(
        other
        for other in ROOMS[room]
        if not any(other in _reached(between) for between in ROOMS[room] - {other})
    )


def _reached(room: str) -> set[str]:
    return ROOMS[room] | {far for near in ROOMS[room] for far in _reached(near)}


@cache
def _level(room: str) -> int:
    return max((_level(user) + 1 for user in ROOMS if room in ROOMS[user]), default=0)


def _ways() -> list[list[Place]]:
    """Return for each arrow the places that it goes through, its two rooms included."""
    return [
        [room, *((room, other, row) for row in range(_level(room) + 1, _level(other))), other]
        for room in ROOMS
        for other in direct(room)
    ]


def _rows() -> list[list[Place]]:
    """Return what stands in each row, ordered so that arrows cross little."""
    rows: list[list[Place]] = [[] for _ in range(max(map(_level, ROOMS)) + 1)]
    above: dict[Place, list[Place]] = {}
    for room in ROOMS:
        rows[_level(room)].append(room)
    for way in _ways():
        for place in way[1:-1]:
            rows[_row_of(place)].append(place)
        for upper, lower in pairwise(way):
            above.setdefault(lower, []).append(upper)
    for upper_row, row in pairwise(rows):
        x = _centers(upper_row)
        row.sort(key=lambda place: _mean([x[user] for user in above.get(place, ())]))
    return rows


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else _WIDTH / 2


def _row_of(place: Place) -> int:
    return _level(place) if isinstance(place, str) else place[2]


def _size(place: Place) -> float:
    return len(place) * _LETTER + 22 if isinstance(place, str) else 6


def _centers(row: list[Place]) -> dict[Place, float]:
    """Return where the middle of each place of a row is, the row spread over the width."""
    free = _WIDTH - 2 * _EDGE - sum(map(_size, row))
    gap = min(free / (len(row) + 1), 60)
    at = (_WIDTH - sum(map(_size, row)) - gap * (len(row) - 1)) / 2
    centers: dict[Place, float] = {}
    for place in row:
        centers[place] = at + _size(place) / 2
        at += _size(place) + gap
    return centers


def _arrow(way: list[Place], x: dict[Place, float]) -> str:
    """Return the line through the places of an arrow, straight through each row that it passes."""
    parts: list[str] = []
    for upper, lower in pairwise(way):
        y = _EDGE + _row_of(upper) * _ROW + _BOX
        end = y + _ROW - _BOX - (1 if isinstance(lower, str) else 0)
        middle = (y + end) / 2
        parts.append(f"M{x[upper]:.0f} {y:.0f}" if upper is way[0] else f"V{y:.0f}")
        parts.append(
            f"C{x[upper]:.0f} {middle:.0f} {x[lower]:.0f} {middle:.0f} {x[lower]:.0f} {end:.0f}"
        )
    return f'<path class="a" d="{"".join(parts)}" marker-end="url(#h)"/>'


def _box(room: str, center: float) -> str:
    y = _EDGE + _level(room) * _ROW
    kind = "b" if room.startswith("_") else "p"
    return (
        f'<rect class="{kind}" x="{center - _size(room) / 2:.0f}" y="{y}" '
        f'width="{_size(room):.0f}" height="{_BOX}" rx="6"/>'
        f'<text x="{center:.0f}" y="{y + 20}">{room}</text>'
    )


def _head(height: int) -> list[str]:
    return [
        _HEAD.format(width=_WIDTH, height=height),
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff" stroke="#d0d7de"/>',
    ]


_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" \
viewBox="0 0 {width} {height}" role="img" aria-label="The rooms and who knows whom">
<style>
text {{ font: 12.5px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; \
fill: #1f2328; text-anchor: middle; }}
.b {{ fill: #f6f8fa; stroke: #d0d7de; }}
.p {{ fill: #ddf4ff; stroke: #54aeff; }}
.a {{ stroke: #8c959f; stroke-width: 1.2; fill: none; }}
</style>
<defs><marker id="h" markerWidth="7" markerHeight="7" refX="6" refY="3.5" orient="auto">\
<path d="M0 0 7 3.5 0 7z" fill="#8c959f"/></marker></defs>"""
