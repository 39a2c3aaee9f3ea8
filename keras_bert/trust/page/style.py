"""The style of a page: light and dark, one column, colours that do not need red and green told apart."""

LEVELS = 9
"""Shades of a colour."""

_BASE = """
:root { color-scheme: light dark; --for: 37 99 235; --against: 217 95 2; --quiet: #5b6470; --line: #d5d9de; }
@media (prefers-color-scheme: dark) { :root { --for: 96 150 255; --against: 240 130 50; --quiet: #a3acb8;
  --line: #3d444d; } }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1rem;
  background: Canvas; color: CanvasText; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
.facts, .note, .cut, th, figcaption { color: var(--quiet); } .facts, .note, table, nav, figure { font-size: .875rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; margin: .5rem 0; }
.field { color: var(--quiet); font-size: .75rem; }
.text b, .key b { font-weight: inherit; border-radius: .2em; padding: .1em 0; }
.cut { text-decoration: line-through; }
table { border-collapse: collapse; } th, td { text-align: start; padding: .1rem .8rem .1rem 0; font-weight: normal; }
td.v { text-align: end; font-variant-numeric: tabular-nums; }
.heat { display: block; width: 100%; height: 1.6rem; image-rendering: pixelated; border: 1px solid var(--line); }
summary { cursor: pointer; } summary:focus-visible, a:focus-visible, :target { outline: 2px solid rgb(var(--for)); }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
figure { margin: 1rem 0; overflow-x: auto; }
.map { display: grid; grid-template-columns: max-content max-content; width: max-content; }
.map img { image-rendering: pixelated; border: 1px solid var(--line); }
.rows, .columns { font: .75rem/1rem ui-monospace, monospace; white-space: pre; }
.rows span { display: block; height: 1rem; text-align: end; padding-inline-end: .3rem; }
.columns { display: flex; align-items: end; }
.columns span { width: 1rem; line-height: 1rem; writing-mode: vertical-rl; padding-bottom: .3rem; }
"""


def style() -> str:
    """Returns the style sheet: `p1` to `p9` are shades for, `n1` to `n9` shades against; the latter underlined too."""
    shades = [
        f".p{level} {{ background: rgb(var(--for) / {6 * level}%); }} "
        f".n{level} {{ background: rgb(var(--against) / {6 * level}%); "
        "text-decoration: underline dotted; text-underline-offset: .2em; }"
        for level in range(1, LEVELS + 1)
    ]
    return _BASE + "\n".join(shades)
