"""The interface's own colours. Textual's other themes can be chosen, too; these are checked:
`dark` and `light` reach 4.5:1 in what is to be read (WCAG AA), `high-contrast` 7:1 in everything
(AAA), and `no-color` sends no colour at all (the app filters them), only weight and reverse.
"""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

NO_COLOR = "no-color"

_REVERSED = {
    "block-cursor-text-style": "reverse",
    "block-cursor-blurred-text-style": "reverse",
    "input-cursor-text-style": "reverse",
    "button-focus-text-style": "bold reverse",
}

THEMES = (
    replace(BUILTIN_THEMES["textual-dark"], name="dark"),
    Theme(
        name="light",
        primary="#004f9e",
        secondary="#005f73",
        warning="#7a4d00",
        error="#a8001c",
        success="#14622a",
        accent="#7a3e00",
        foreground="#1a1a1a",
        background="#f4f4f4",
        surface="#fafafa",
        panel="#e4e4e4",
        boost="#dcdcdc",
        dark=False,
        variables={
            "text-muted": "#4a4a4a",
            "error-lighten-1": "#a8001c",  # lighter would be fainter here
            "success-lighten-1": "#14622a",
            "primary-lighten-2": "#004f9e",
            "surface-lighten-1": "#9a9a9a",
            "surface-lighten-2": "#8a8a8a",
            "footer-key-foreground": "#004f9e",
        },
    ),
    Theme(
        name="high-contrast",
        primary="#7ab8ff",
        secondary="#9fd8ff",
        warning="#ffd24d",
        error="#ff9a9a",
        success="#6df08b",
        accent="#ffb000",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
        boost="#333333",
        variables={
            "text": "#ffffff",
            "text-muted": "#d8d8d8",
            "text-disabled": "#b8b8b8",
            "surface-lighten-1": "#b8b8b8",  # lines between the parts of a screen
            "surface-lighten-2": "#c8c8c8",
            "border": "#ffffff",
            "block-cursor-background": "#ffd24d",
            "block-cursor-foreground": "#000000",
            "footer-key-foreground": "#ffd24d",
            "footer-background": "#1a1a1a",
            "input-selection-background": "#005fcc",
        },
    ),
    replace(
        BUILTIN_THEMES["ansi-dark"],
        name=NO_COLOR,
        variables={**BUILTIN_THEMES["ansi-dark"].variables, **_REVERSED},
    ),
)
