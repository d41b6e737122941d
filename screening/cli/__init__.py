"""The ``screening`` command: arguments, exit status, logging set-up. No logic.

Exit status: 0 done; 1 some input could not be analysed (each is still reported, UNKNOWN, with its
reason); 2 usage; 3 something was checked and failed. Nothing prints a traceback to a user.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from screening.errors import ConfigurationError, PolicyError, ScreeningError

from . import batch, clearance, files, live

__all__ = ["app", "main"]

app = typer.Typer(
    name="screening",
    help="Radiation and X-ray screening of cargo: from scanner bytes to risk flags and clearance decisions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from screening import __version__

        typer.echo(f"screening {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log to standard error what is being done.")
    ] = False,
) -> None:
    import logging

    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")


for _module in (files, live, batch):
    _module.register(app)
app.add_typer(clearance.app, name="clearance")


def main() -> int:
    """Run the command line.

    Returns
    -------
    int
        Exit status.
    """
    # Parallel over scans, one thread within: on matrices this small a second one only spins, at four
    # times the CPU. Set before the first numeric import; what the user set stays.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        status = app(standalone_mode=False)
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("stopped\n")
        return 130
    except ScreeningError as error:
        sys.stderr.write(f"screening: {error}\n")
        return _status_of(error)
    except BrokenPipeError:
        # The reader of a pipe went away: nothing more to say, and nothing to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"screening: {name}{error.strerror or error}\n")
        return 1
    except Exception as error:
        if type(error).__module__.startswith(("typer", "click")) and hasattr(error, "show"):
            error.show()
            return int(getattr(error, "exit_code", 2))
        if os.environ.get("SCREENING_TRACEBACK"):
            raise
        sys.stderr.write(
            f"screening: a defect of this program ({type(error).__name__}: {error}); "
            "SCREENING_TRACEBACK=1 shows where\n"
        )
        return 1
    return int(status or 0)


def _status_of(error: ScreeningError) -> int:
    if isinstance(error, ConfigurationError):
        return 2
    from screening.clearance import VerificationError
    from screening.clearance.ledger import LedgerError

    # A ledger that is not what was written, a signature that does not hold, a policy that breaks a
    # property: it was checked, and failed.
    return 3 if isinstance(error, LedgerError | VerificationError | PolicyError) else 1
