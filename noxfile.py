"""Developer sessions: ``nox -l`` lists them, ``nox -s NAME`` runs one."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests"]
ROOT = Path(__file__).parent
COPIED = (
    "screening",
    "models",
    "data_samples",
    "tests",
    "pyproject.toml",
    "setup.py",
    "README.md",
    "LICENSE",
)


def _copy(session: nox.Session) -> Path:
    """Copy the tree: traced and sanitised extensions must never lie beside the normal ones."""
    copy = Path(session.create_tmp()).resolve() / "tree"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            # C is generated everywhere but in the tests, which bring a failing disk of their own.
            generated = () if name == "tests" else ("*.c",)
            skip = shutil.ignore_patterns("*.so", "__pycache__", *generated)
            shutil.copytree(source, copy / name, ignore=skip)
        else:
            shutil.copy2(source, copy / name)
    shared = ROOT.parent / "shared"
    if shared.is_dir() and not (copy.parent / "shared").exists():
        (copy.parent / "shared").symlink_to(shared)
    return copy


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff, cython-lint, numpydoc lint and the import contracts."""
    session.install("-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("cython-lint", "--no-pycodestyle", *map(str, sorted(ROOT.glob("screening/kernels/*.pyx"))))
    session.run("numpydoc", "lint", *map(str, sorted(ROOT.glob("screening/**/*.py"))))
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy, strict."""
    session.install("-e", ".[lint,formats,report,site,dicos]")
    session.run("mypy")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.install("-e", ".[formats,report,site,dicos,test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def traced(session: nox.Session) -> None:
    """Report the coverage of Python and of .pyx lines, from a traced build in a copy of the tree."""
    session.install("setuptools>=80", "Cython>=3.3", "coverage")
    session.install(".[formats,report,site,dicos,test]")
    session.run("pip", "uninstall", "-y", "screening", silent=True)
    copy = _copy(session)
    env = {"SCREENING_TRACE": "1", "PYTHONPATH": str(copy)}
    with session.chdir(copy):
        session.run("python", "setup.py", "build_ext", "--inplace", env=env)
        session.run("coverage", "run", "-m", "pytest", "--timeout=1200", *session.posargs, env=env)
        session.run("coverage", "report", env=env)


@nox.session
def sanitised(session: nox.Session) -> None:
    """Run the kernel tests under the address and undefined-behaviour sanitizers."""
    session.install("setuptools>=80", "Cython>=3.3")
    session.install(".[test]")
    session.run("pip", "uninstall", "-y", "screening", silent=True)
    copy = _copy(session)
    library = session.run("gcc", "-print-file-name=libasan.so", external=True, silent=True)
    env = {"SCREENING_SANITIZE": "1", "PYTHONPATH": str(copy)}
    run = {
        **env,
        "LD_PRELOAD": str(library).strip(),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    with session.chdir(copy):
        session.run("python", "setup.py", "build_ext", "--inplace", env=env)
        session.run(
            "python",
            "-m",
            "pytest",
            "tests/unit/kernels",
            "tests/properties/kernels",
            "--timeout=1200",
            env=run,
        )


@nox.session
def bench(session: nox.Session) -> None:
    """Time our work beside what a user would pick today, in one run."""
    session.install("-e", ".[formats,report,site,dicos,test]")
    session.run("python", "-m", "pytest", "tests/benchmarks", "-s", "-m", "not campaign", *session.posargs)


@nox.session
def campaigns(session: nox.Session) -> None:
    """Run what takes long: every fault at every write, hundreds of kills, every byte of a bundle."""
    session.install("-e", ".[formats,report,site,dicos,test]")
    session.run("python", "-m", "pytest", "tests/benchmarks", "-s", "-m", "campaign", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    session.install("mkdocs>=1.6")
    session.run(
        "mkdocs", "build", "--strict", "--site-dir", str(Path(session.create_tmp()).resolve() / "site")
    )


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the sdist and the wheel, and run the demo from the wheel in an empty folder."""
    session.install("build")
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"), str(ROOT))
    session.install(f"{next((folder / 'dist').glob('*.whl'))}[report]")
    (folder / "empty").mkdir()
    with session.chdir(folder / "empty"):
        session.run("screening", "demo", "--out", "demo")
