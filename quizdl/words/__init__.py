"""Every sentence a person reads, by key, so that another language can stand beside Chinese.

`say("bank.no_title", path=p)` looks the key up in the catalogue and fills it in with
`str.format`. A missing key is a bug (KeyError); tests/test_words.py looks for them.
"""

from quizdl.words.zh import TEXT

__all__ = ["QuizdlError", "say"]


def say(key: str, /, **values: object) -> str:
    """The text of `key`, filled in. Raises KeyError for a key the catalogue lacks."""
    return TEXT[key].format(**values)


class QuizdlError(Exception):
    """Bad input or a bad surrounding, said in one line a person can act on.

    The command line prints `str(error)` and exits with 1; no traceback reaches a user.
    """

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(say(key, **values))
        self.key = key
