"""The commands: parse, call, print. Nothing below cli/ and tui/ prints or knows the time."""

from quizdl.words.click_zh import speak_chinese

speak_chinese()  # before anything imports click
from quizdl.cli.main import run  # noqa: E402

__all__ = ["run"]
