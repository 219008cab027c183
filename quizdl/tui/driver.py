"""How the interface is drawn in a browser: Textual's web driver, which ends with its server."""

from __future__ import annotations

import os
from functools import partial

from textual import messages
from textual.drivers.web_driver import WebDriver


class PipeDriver(WebDriver):
    """Textual's own goes on for ever once its stdin is at an end, and fails amid a paint when
    nobody reads its stdout any more."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._write = partial(self._send)

    def _send(self, data: bytes) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.fileno, left) :]
        except BrokenPipeError:  # stdin ends, too, and the app with it
            pass
        return len(data)

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            self.send_message(messages.ExitApp())
