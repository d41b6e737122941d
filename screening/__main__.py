"""``python -m screening`` is the ``screening`` command."""

from screening.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
