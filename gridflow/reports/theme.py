"""The colours of a page, for a light and a dark background: those of gridflow's figures."""

from typing import Any

import numpy as np

from gridflow.viz.style import COLORS, EXACT, MEASURED, SECOND, color_table

LIGHT = {
    "page": "#faf9fc", "card": "#ffffff", "text": EXACT, "muted": "#67636f", "line": "#e3dfea", "accent": MEASURED,
    "measured": MEASURED, "second": SECOND, "law": EXACT, "bound": "#8a8a8a", "linear": COLORS[3],
    "pass": COLORS[2], "fail": "#b8324a",
}  # fmt: skip
DARK = {
    "page": "#14121a", "card": "#1c1924", "text": "#ebe8f2", "muted": "#a7a2b3", "line": "#363143", "accent": "#b5a5f2",
    "measured": "#b5a5f2", "second": "#f0808e", "law": "#ebe8f2", "bound": "#8f8b99", "linear": "#e3b04e",
    "pass": "#66c9a5", "fail": "#f0808e",
}  # fmt: skip
SPANS = {"light": (0.0, 0.8), "dark": (0.3, 1.0)}
"""Parts of the colour map of several runs that are seen well on each background."""


def palette(runs: int) -> dict[str, dict[str, Any]]:
    """Return the colours of curves on each background, with those of several runs under ``runs``."""
    table = color_table("viridis")
    return {
        name: {**colors, "runs": [_hex(table[int(255 * at)]) for at in np.linspace(*SPANS[name], runs)]}
        for name, colors in (("light", LIGHT), ("dark", DARK))
    }


def variables() -> str:
    """Return the style sheet that gives each colour a name: light, dark by the browser's wish, or as chosen."""
    light, dark = (
        "color-scheme:" + name + ";" + "".join(f"--{key}:{color};" for key, color in colors.items())
        for name, colors in (("light", LIGHT), ("dark", DARK))
    )
    return (
        f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f":root[data-theme=dark]{{{dark}}}\n@media print{{:root:root:root{{{light}}}}}\n"
    )


def _hex(color: np.ndarray) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in color)
