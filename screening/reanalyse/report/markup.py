"""HTML that is safe by construction: whatever is not already markup is escaped.

A container number, a file name or a note comes from outside and may hold script. Here text becomes
markup only through :func:`tag`, which escapes it; only :class:`Markup` values pass as they are.
"""

from __future__ import annotations

from html import escape

__all__ = ["Markup", "join", "tag"]

VOID_TAGS = frozenset({"br", "hr", "img", "meta", "image", "rect", "line", "path", "use"})


class Markup(str):
    """Text that is markup already. Only made by this module and by the drawing modules beside it."""

    __slots__ = ()


Content = str | int | float | None


def tag(name: str, *content: Content, **attributes: Content) -> Markup:
    """Return one element.

    Parameters
    ----------
    name : str
        Tag name.
    *content : str, int, float, Markup or None
        Its content; text is escaped, Markup is kept, None is left out.
    **attributes : str, int, float or None
        Attributes; underscores become hyphens, a trailing one is dropped (``class_``), None is
        left out.

    Returns
    -------
    Markup
        The element.
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    body = join(*content)
    if name in VOID_TAGS and not body:
        return Markup(f"<{name}{pairs}/>")
    return Markup(f"<{name}{pairs}>{body}</{name}>")


def join(*content: Content) -> Markup:
    """Return pieces put together, text escaped.

    Parameters
    ----------
    *content : str, int, float, Markup or None
        The pieces; None is left out.

    Returns
    -------
    Markup
        All of them.
    """
    return Markup(
        "".join(
            piece if isinstance(piece, Markup) else escape(str(piece), quote=True)
            for piece in content
            if piece is not None
        )
    )
