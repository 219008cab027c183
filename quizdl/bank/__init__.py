"""The bank: folders of plain text in, frozen Question values out."""

from quizdl.bank.loader import Bank, find_bank, load

__all__ = ["Bank", "find_bank", "load"]
