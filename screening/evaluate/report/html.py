"""HTML and SVG that are safe by construction: whatever is not already markup is escaped.

Labels, names of samples and notes come from outside and may hold script. Text becomes markup only
through :func:`tag` and :func:`text`, which escape it.
"""

from __future__ import annotations

import re
from html import escape

__all__ = ["Markup", "anchor", "join", "tag", "text"]

#: Characters that XML and HTML forbid even when escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CAMEL = frozenset({"viewBox", "textLength", "lengthAdjust", "preserveAspectRatio"})
_VOID = frozenset({"br", "hr", "img", "meta", "rect", "line", "path", "use", "circle", "polyline", "polygon"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | int | float | None


def text(value: Content) -> Markup:
    """Return text escaped; markup stays as it is.

    Parameters
    ----------
    value : str, int, float, Markup or None
        Anything; None is empty.

    Returns
    -------
    Markup
        Safe inside an element or a quoted attribute.
    """
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else escape(_FORBIDDEN.sub("\ufffd", str(value)), quote=True))


def join(*content: Content, by: str = "") -> Markup:
    """Return pieces put together, text escaped.

    Parameters
    ----------
    *content : str, int, float, Markup or None
        The pieces; None is left out.
    by : str
        Markup between them.

    Returns
    -------
    Markup
        All of them.
    """
    return Markup(by.join(text(piece) for piece in content if piece is not None))


def tag(name: str, *content: Content, **attributes: Content) -> Markup:
    """Return one element.

    Parameters
    ----------
    name : str
        Tag name.
    *content : str, int, float, Markup or None
        Its content.
    **attributes : str, int, float or None
        Attributes; underscores become hyphens, a trailing one is dropped (``class_``), None is
        left out.

    Returns
    -------
    Markup
        The element.
    """
    pairs = "".join(
        f' {key if key in _CAMEL else key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not content:
        return Markup(f"<{name}{pairs}/>")
    return Markup(f"<{name}{pairs}>{join(*content)}</{name}>")


def anchor(name: str) -> str:
    """Return an id for a link within the page.

    Parameters
    ----------
    name : str
        A section's id, which may hold anything.

    Returns
    -------
    str
        Letters, digits and hyphens; different names give different ids.
    """
    return "s-" + re.sub(r"[^a-z0-9-]", lambda found: f"_{ord(found.group()):x}", name)
