"""The commands: parse, call, print. Nothing below cli/ and tui/ prints or knows the time."""

from quizdl.words import language
from quizdl.words.click_zh import speak_chinese

if language() == "zh":
    speak_chinese()  # before anything imports click
from quizdl.cli.main import run

__all__ = ["run"]
