"""Where things live on this machine, and what the learner has chosen.

`QUIZDL_HOME` puts data and configuration in one folder; otherwise the platform's own
folders are used (platformdirs). The configuration is one TOML file, written by hand or by the
screen of settings: a new one says of every key what it does, in an old one comments, order and
all that did not change stay as they are.
"""

from __future__ import annotations

import json
import os
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from quizdl.replacing import locked, replace_text
from quizdl.words import QuizdlError, listed, say

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Chosen: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Keys by the id of what they do, in the order of the ids."""


@dataclass(frozen=True, slots=True)
class Paths:
    data: Path
    config: Path

    @property
    def database(self) -> Path:
        return self.data / "memory.sqlite3"

    @property
    def trust(self) -> Path:
        """Which foreign banks may run (`quizdl.bank.trust`)."""
        return self.data / "trust.json"

    @property
    def receipts(self) -> Path:
        """A folder: what each question's claims gave when they were last proved."""
        return self.data / "receipts"

    @property
    def interviews(self) -> Path:
        """Interviews that are not in the log yet (`quizdl.interview.drafts`)."""
        return self.data / "interviews.json"

    @property
    def unfinished(self) -> Path:
        """The session that was left in the middle (`quizdl.session.unfinished`)."""
        return self.data / "unfinished.json"

    @property
    def bank_cache(self) -> Path:
        """What was read of banks (`quizdl.bank.cache`)."""
        return self.data / "bank-cache.sqlite3"

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are meant to be right; each has one line in the README's reference."""

    desired_retention: float = 0.9
    """Probability of recall at which a question comes back (FSRS)."""
    new_per_day: int = 5
    reviews_per_day: int = 200
    learning_steps: tuple[float, ...] = (1, 10)
    """Minutes until a new question is asked again, step by step."""
    relearning_steps: tuple[float, ...] = (10,)
    """The same for one that was forgotten."""
    maximum_interval: int = 36500
    """Days."""
    rollover_hour: int = 4
    """Local hour at which a study day begins."""
    learn_ahead_minutes: int = 20
    """With nothing else left, a learning step due within this many minutes is shown early."""
    predict: bool = False
    """Ask for a prediction before the first run of a proof."""
    two_grades: bool = False
    """Offer only Again and Good."""
    theme: str = "dark"
    """One of the interface's own (`quizdl.tui.themes`), or of Textual's."""
    language: str = "auto"
    """Of the interface (`quizdl.words.choice`)."""
    editor: str = ""
    """Command that a question is edited with; empty: as the environment says."""
    keys: Chosen = ()
    """Other keys than those an action comes with."""

    _RANGES = {  # noqa: RUF012 - read only
        "desired_retention": (0.7, 0.99),
        "new_per_day": (0, 9999),
        "reviews_per_day": (0, 9999),
        "learning_steps": (1, 720),  # each; half as long again is still below a day
        "relearning_steps": (1, 720),
        "maximum_interval": (1, 36500),
        "rollover_hour": (0, 12),
        "learn_ahead_minutes": (0, 1440),
    }
    _CHOICES = {  # noqa: RUF012 - read only
        "theme": (
            *("dark", "light", "high-contrast", "no-color"),
            *("nord", "gruvbox", "dracula", "tokyo-night", "monokai", "flexoki"),
            *("catppuccin-mocha", "catppuccin-macchiato", "catppuccin-frappe", "catppuccin-latte"),
            *("solarized-dark", "solarized-light", "atom-one-dark", "atom-one-light"),
            *("rose-pine", "rose-pine-moon", "rose-pine-dawn", "ansi-dark", "ansi-light"),
        ),
        "language": ("auto", "zh", "en"),
    }

    @property
    def grades(self) -> tuple[int, ...]:
        """Ratings that are offered, as FSRS numbers them."""
        return (1, 3) if self.two_grades else (1, 2, 3, 4)


DEFAULTS = Settings()
NAMES = tuple(field.name for field in fields(Settings))
KINDS = {name: type(getattr(DEFAULTS, name)).__name__ for name in NAMES} | {"keys": "keys"}
"""Of each setting: bool, int, float, str, tuple (of numbers), or keys."""


def bounds(key: str) -> tuple[float, float] | None:
    """The least and the greatest value of a number, or of each number of a list."""
    return Settings._RANGES.get(key)


def choices(key: str) -> tuple[str, ...]:
    """What a setting can be; empty when it is not one of a few words."""
    return Settings._CHOICES.get(key, ())


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The folders to use; none is created here."""
    if home := environ.get("QUIZDL_HOME"):
        expanded = os.path.expanduser(home)  # noqa: PTH111 - lets an unknown ~name stand
        folder = Path(expanded).absolute()
        return Paths(data=folder, config=folder)
    import platformdirs

    return Paths(
        data=Path(platformdirs.user_data_dir("quizdl", appauthor=False)),
        config=Path(platformdirs.user_config_dir("quizdl", appauthor=False)),
    )


def load_settings(path: Path) -> Settings:
    """Settings of a config.toml; the defaults when there is none.

    Raises QuizdlError naming the file and what is wrong: no TOML, an unknown key, a value
    of the wrong type or outside its range.
    """
    try:
        return _settings(_read(path), path)
    except (OSError, UnicodeDecodeError) as error:
        raise QuizdlError("settings.unreadable", path=path, why=error) from error


def save_settings(
    path: Path,
    changed: Mapping[str, Any],
    keys: Mapping[str, tuple[str, ...] | None] | None = None,
) -> Settings:
    """Put these settings, and these `keys` by action (None: the default ones again), into a
    config.toml, and return all that it says then.

    What else is in the file stays, also what another quizdl has saved in the meantime. Raises
    QuizdlError when the file is broken or cannot be written; it is then as it was.
    """
    target = Path(os.path.realpath(path))  # a link to it stays one
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent):
            text = _read(target)
            _settings(text, path)
            document = _document(text)
            for key, value in changed.items():
                _put(document, key, checked(key, value))
            _put_keys(document, keys or {})
            text = document.as_string()
            settings = _settings(text, path)
            if target.exists() and not os.access(target, os.W_OK):
                raise PermissionError(say("settings.read_only"))
            replace_text(target, text, durable=True)
            return settings
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise QuizdlError("settings.unwritable", path=path, why=why) from error


def checked(key: str, value: object) -> Any:
    """`value` as Settings has it. Raises QuizdlError saying what `key` should be."""
    kind = KINDS[key]
    if kind == "keys":
        return _checked_keys(value)
    numbers = (int, float)
    single = {"bool": (bool,), "int": (int,), "float": numbers, "str": (str,)}
    if kind == "tuple":
        good = isinstance(value, list | tuple) and all(type(item) in numbers for item in value)
        value = tuple(value) if good else value  # type: ignore[arg-type]
    else:
        good = type(value) in single[kind]  # not isinstance: a truth value is no whole number
    if not good:
        raise QuizdlError("settings.wrong_type", key=key, kind=say(f"settings.kind.{kind}"))
    if (limits := bounds(key)) is not None:
        low, high = limits
        for number in value if isinstance(value, tuple) else (value,):
            if not low <= number <= high:
                raise QuizdlError("settings.range", key=key, low=low, high=high)
    if (known := choices(key)) and value not in known:
        raise QuizdlError("settings.choice", key=key, known=listed(known))
    return value


def typed(key: str, text: str) -> Any:
    """What was typed for `key`, as Settings has it. Raises QuizdlError like `checked`."""
    text = unicodedata.normalize("NFKC", text).strip()  # full-width figures, commas
    if KINDS[key] == "str":
        return checked(key, text)
    if KINDS[key] == "tuple":
        text = f"[{','.join(text.strip('[]').replace(',', ' ').split())}]"
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return checked(key, value)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _settings(text: str, path: Path) -> Settings:
    """What the text of a config.toml says; `path` is named in errors."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise QuizdlError("settings.unreadable", path=path, why=error) from error
    values = {}
    for key, value in raw.items():
        if key not in KINDS:
            raise QuizdlError("settings.unknown_key", path=path, key=key, known=listed(NAMES))
        try:
            values[key] = checked(key, value)
        except QuizdlError as error:
            raise QuizdlError("settings.invalid", path=path, why=error) from error
    return Settings(**values)


def _checked_keys(value: object) -> Chosen:
    if isinstance(value, tuple):
        value = {action: list(keys) for action, keys in value}
    if not isinstance(value, dict):
        raise QuizdlError("settings.wrong_type", key="keys", kind=say("settings.kind.keys"))
    found = {}
    for action, given in _flat(value):
        several = given if isinstance(given, list) else [given]
        if not several or not all(isinstance(key, str) and key for key in several):
            kind = say("settings.kind.key")
            raise QuizdlError("settings.wrong_type", key=f"keys.{action}", kind=kind)
        found[action] = tuple(several)
    return tuple(sorted(found.items()))


def _flat(table: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """`review.flag = "f"` and `"review.flag" = "f"` mean the same."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _document(text: str) -> TOMLDocument:
    """The file as it is, or a new one with every setting and what it does."""
    import tomlkit

    if text.strip():
        return tomlkit.parse(text)
    parts = [f"# {say('settings.file')}\n"]
    for name in NAMES:
        if KINDS[name] != "keys":
            value = json.dumps(getattr(DEFAULTS, name), ensure_ascii=False)
            parts.append(f"# {explanation(name)}\n{name} = {value}\n")
    parts.append(f"# {explanation('keys')}\n[keys]\n")
    return tomlkit.parse("\n".join(parts))


def explanation(key: str) -> str:
    """What a setting does, and what it can be, in one line."""
    text = say(f"settings.help.{key}")
    if (limits := bounds(key)) is not None:
        text += say("settings.help.range", low=limits[0], high=limits[1])
    if known := choices(key):
        text += say("settings.help.choices", known=listed(known))
    return text


def _put(document: TOMLDocument, key: str, value: Any) -> None:
    import tomlkit

    item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
    if key in document:
        old: Any = document.item(key)
        item.trivia.comment_ws, item.trivia.comment = old.trivia.comment_ws, old.trivia.comment
    else:
        item.comment(explanation(key))
    document[key] = item


def _put_keys(document: TOMLDocument, chosen: Mapping[str, tuple[str, ...] | None]) -> None:
    import tomlkit

    if not chosen:
        return
    if "keys" not in document:
        document["keys"] = tomlkit.table()
    table: Any = document["keys"]
    for action, keys in chosen.items():
        scope, _, name = action.partition(".")
        nested = table.get(scope)
        place, name = (nested, name) if isinstance(nested, dict) else (table, action)
        if keys is not None:
            place[name] = keys[0] if len(keys) == 1 else list(keys)
        elif name in place:
            del place[name]
