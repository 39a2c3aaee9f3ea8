"""Text of others in HTML: shown, whatever it is, and never more than shown."""

import base64
import html
import re
import struct
import zlib

import numpy as np

# What HTML cannot hold, what no text file can (half surrogates), and what turns the direction of all that follows.
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: str) -> str:
    r"""Writes a text into HTML, into an attribute too.

    Args:
        text: Any text.

    Returns:
        It, with what would be markup as entities, and control characters as escapes.

    Example:
        >>> print(shown('<script>"x"</script>\x07'))
        &lt;script&gt;&quot;x&quot;&lt;/script&gt;\x07
    """
    escaped = html.escape(text, quote=True)
    return _UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), escaped)


def number(value: float) -> str:
    """Writes a value with its sign and three digits.

    Example:
        >>> number(0.01234), number(-12.3), number(0.0)
        ('+0.0123', '−12.3', '0')
    """
    text = f"{abs(value):#.3g}".rstrip(".") if value else "0"
    return text if not value else ("+" if value > 0 else "−") + text


def picture(pixels: np.ndarray) -> str:
    """Writes pixels as the address of a PNG, which lies in the address itself.

    Args:
        pixels: uint8 (height, width, 4): red, green, blue and how opaque.

    Returns:
        `data:image/png;base64,...`

    References:
        www.w3.org/TR/png-3, sections 5 and 11
    """
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # filter 0
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0),
        b"IDAT": zlib.compress(rows.tobytes(), 9),
        b"IEND": b"",
    }
    chunks = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    )
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()


FOR, AGAINST = (37, 99, 235), (217, 95, 2)
"""Blue and orange, which eyes that do not tell red from green tell apart, and which stand out from black and white."""


def heat(values: np.ndarray, largest: float) -> np.ndarray:
    """Colours values: those above 0 blue, those below orange, the more opaque the larger.

    Args:
        values: float (height, width).
        largest: What is fully opaque.

    Returns:
        uint8 (height, width, 4).
    """
    pixels = np.zeros((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where(values[..., None] >= 0, FOR, AGAINST)
    pixels[..., 3] = np.round(255 * np.minimum(np.abs(values) / max(largest, 1e-30), 1))
    return pixels
