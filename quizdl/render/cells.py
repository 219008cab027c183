"""Text measured in terminal cells: a Chinese character is two, a combining mark none.

Widths are Rich's, because Textual draws with them.
"""

from __future__ import annotations

from typing import Literal

Align = Literal["left", "center", "right"]

_JOINER = "\u200d"


def cells(text: str) -> int:
    """Width of `text` in cells."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # imports Rich; ASCII-only callers never pay for it

    return cell_len(text)


def pad(text: str, width: int, align: Align = "left") -> str:
    """`text` with spaces up to `width` cells; unchanged when it is already as wide."""
    room = max(0, width - cells(text))
    left = {"left": 0, "center": room // 2, "right": room}[align]
    return " " * left + text + " " * (room - left)


def truncate(text: str, width: int) -> str:
    """The longest beginning of `text` that fits `width` cells, ending in … when cut."""
    if cells(text) <= width:
        return text
    kept, used = [], 0
    for cluster in clusters(text):
        used += cells(cluster)
        if used > width - 1:
            break
        kept.append(cluster)
    return "".join(kept) + "…" if width > 0 else ""


def clusters(text: str) -> list[str]:
    """`text` cut into the smallest parts that may stand on different lines: a character
    with its combining marks and whatever is joined to it."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for char in text:
        if found and (cells(char) == 0 or found[-1].endswith(_JOINER)):
            found[-1] += char
        else:
            found.append(char)
    return found
