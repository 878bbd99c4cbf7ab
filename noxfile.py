"""The test suite on every Python that is installed: `make test-all`."""

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"])
def tests(session: nox.Session) -> None:
    session.install("setuptools>=77", "wheel")
    session.install("--no-build-isolation", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)
