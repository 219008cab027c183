"""The bank: folders of plain text in, frozen Question values out.

What the loader gives is fetched at first use: to say where the bank is takes no parser.
"""

from typing import TYPE_CHECKING, Any

from quizdl.bank.place import find_bank

if TYPE_CHECKING:
    from quizdl.bank.loader import Bank, load, problem_line

__all__ = ["Bank", "find_bank", "load", "problem_line"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from quizdl.bank import loader

    return getattr(loader, name)
