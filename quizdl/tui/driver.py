"""How the interface is drawn in a browser: Textual's web driver, which ends with its server."""

from __future__ import annotations

from textual import messages
from textual.drivers.web_driver import WebDriver


class PipeDriver(WebDriver):
    """Textual's own goes on for ever once its stdin is at an end."""

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            self.send_message(messages.ExitApp())
