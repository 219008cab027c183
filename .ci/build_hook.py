"""Run by hatchling for every wheel and editable install: what gettext reads is compiled."""

from pathlib import Path
from typing import Any

import polib
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileTexts(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            for path in Path(self.root, "quizdl", "words").glob("*.po"):
                polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))
