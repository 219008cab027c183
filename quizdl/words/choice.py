"""Which language to speak: what was asked for, what config.toml says, that of the locale.

Asked at every start, `quizdl --help` included: nothing is imported before it is needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

LANGUAGES = ("zh", "en")
VARIABLE = "QUIZDL_LANG"


def choose(environ: Mapping[str, str] = os.environ) -> str:
    """One of LANGUAGES: by QUIZDL_LANG, or else `language` in config.toml, or else English in
    an English locale. What is wrong with the file, `quizdl.settings` will say."""
    locale = next((v for k in ("LC_ALL", "LC_MESSAGES", "LANG") if (v := environ.get(k))), "")
    english = "en" if _code(locale) == "en" else "zh"
    return _known(environ.get(VARIABLE, "")) or _known(_configured(environ)) or english


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where `quizdl.settings.find_paths` has it. On Linux platformdirs, whose import would make
    the help a twentieth slower, reads this one variable."""
    if home := environ.get("QUIZDL_HOME"):
        folder = Path(os.path.expanduser(home))  # noqa: PTH111 - lets an unknown ~name stand
    elif sys.platform == "linux" and "ANDROID_ROOT" not in environ:
        base = environ.get("XDG_CONFIG_HOME", "")
        folder = Path(base if base.strip() else os.path.expanduser("~/.config")) / "quizdl"  # noqa: PTH111
    else:
        import platformdirs

        folder = Path(platformdirs.user_config_dir("quizdl", appauthor=False))
    return folder.absolute() / "config.toml"


def _configured(environ: Mapping[str, str]) -> str:
    try:
        text = config_file(environ).read_text("utf-8")
        if "language" not in text:
            return ""
        import tomllib

        found = tomllib.loads(text).get("language")
    except (OSError, ValueError, RuntimeError):
        return ""
    return found if isinstance(found, str) else ""


def _known(asked: str) -> str:
    """Of LANGUAGES, or empty: `auto`, and what we do not speak."""
    return code if (code := _code(asked)) in LANGUAGES else ""


def _code(locale: str) -> str:
    """`en_US.UTF-8` and `en-GB` are `en`."""
    return locale.strip().lower().replace("-", "_").partition("_")[0].partition(".")[0]
