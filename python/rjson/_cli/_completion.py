"""Completion, by argcomplete: it asks the parsers for what can come next, and knows the shells."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def run(options: argparse.Namespace) -> int:
    """Print what the shell is to run."""
    try:
        from argcomplete.shell_integration import shellcode  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("rjson: completion needs argcomplete: pip install 'rjson[cli]'", file=sys.stderr)
        return 1
    print(shellcode(["rjson"], shell=options.shell))
    return 0


def complete(
    commands: dict[str, Callable[[], argparse.ArgumentParser]], default: Callable[[], argparse.ArgumentParser]
) -> None:
    """Called by the shell: print what can come next, and end."""
    import argcomplete  # type: ignore[import-not-found,unused-ignore]

    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    parser = default()
    if len(words) > 1 and words[1] in commands and (len(words) > 2 or line.endswith(" ")):
        command = words[1]
        parser = commands[command]()
        at = line.index(command) + len(command)
        os.environ["COMP_LINE"] = words[0] + line[at:]
        os.environ["COMP_POINT"] = str(max(int(os.environ.get("COMP_POINT", len(line))) - at + len(words[0]), 0))
    elif len(words) <= 2:
        names = [name for name in commands if name.startswith(words[1] if len(words) == 2 else "")]

        def files_and_commands(prefix: str, **_: object) -> list[str]:
            return [*names, *argcomplete.completers.FilesCompleter()(prefix)]

        parser._positionals._group_actions[0].completer = files_and_commands  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)
