"""Print a command of README.md: the one line of the shell block behind ``<!-- command: NAME -->``."""

import re
import sys
from pathlib import Path


def readme_command(name: str) -> str:
    """Return the command, exactly as README.md prints it."""
    text = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    match = re.search(rf"<!-- command: {re.escape(name)} -->\s*```\w*\n(.+?)\n```", text, re.DOTALL)
    if match is None:
        raise SystemExit(f"README.md has no command named {name}")
    return match.group(1)


if __name__ == "__main__":
    sys.stdout.write(readme_command(sys.argv[1]) + "\n")
