"""Pure codecs between bytes and records; none opens a file or a socket."""
