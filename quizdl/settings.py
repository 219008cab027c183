"""Where things live on this machine, and what the learner has chosen.

`QUIZDL_HOME` puts data and configuration in one folder; otherwise the platform's own
folders are used (platformdirs). The configuration is a small TOML file that the learner
edits by hand; quizdl never writes it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from quizdl.words import QuizdlError, listed, say


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
    def config_file(self) -> Path:
        return self.config / "config.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are meant to be right; each has one line in the README's reference."""

    desired_retention: float = 0.9
    """Probability of recall at which a question comes back (FSRS)."""
    new_per_day: int = 5
    reviews_per_day: int = 200
    rollover_hour: int = 4
    """Local hour at which a study day begins."""
    learn_ahead_minutes: int = 20
    """With nothing else left, a learning step due within this many minutes is shown early."""
    predict: bool = False
    """Ask for a prediction before the first run of a proof."""
    language: str = "auto"
    """Of the interface (`quizdl.words.choice`)."""

    _RANGES = {  # noqa: RUF012 - read only
        "desired_retention": (0.7, 0.99),
        "new_per_day": (0, 9999),
        "reviews_per_day": (0, 9999),
        "rollover_hour": (0, 12),
        "learn_ahead_minutes": (0, 1440),
    }
    _CHOICES = {"language": ("auto", "zh", "en")}  # noqa: RUF012 - read only


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
        raw = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise QuizdlError("settings.unreadable", path=path, why=error) from error
    kinds = {f.name: type(f.default) for f in fields(Settings)}
    for key, value in raw.items():
        if key not in kinds:
            raise QuizdlError("settings.unknown_key", path=path, key=key, known=listed(kinds))
        allowed = (int, float) if kinds[key] is float else (kinds[key],)
        if type(value) not in allowed:  # not isinstance: a truth value is no whole number
            kind = say(f"settings.kind.{kinds[key].__name__}")
            raise QuizdlError("settings.wrong_type", path=path, key=key, kind=kind)
        choices = Settings._CHOICES.get(key, (value,))
        if value not in choices:
            raise QuizdlError("settings.choice", path=path, key=key, known=listed(choices))
        low, high = Settings._RANGES.get(key, (value, value))
        if not low <= value <= high:
            raise QuizdlError("settings.range", path=path, key=key, low=low, high=high)
    return Settings(**raw)
