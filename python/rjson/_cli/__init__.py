"""The command rjson: reads its arguments, runs what they ask for, and turns failures into a message and an exit code."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What a shell reports for a process that SIGPIPE or SIGINT ended.
CLOSED_PIPE = 141
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What comes after its name; `sys.argv` if there are none.

    Returns:
        The exit code: 0, 1 if a text or a file is at fault, 130 after Ctrl-C, 141 if nobody reads the output any more. Wrong
        arguments end the process with 2.
    """
    from . import _parsers

    try:
        options = _parsers.parse(sys.argv[1:] if arguments is None else list(arguments))
        status: int = options.run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return CLOSED_PIPE
    except Exception as e:
        from ._errors import describe

        message = describe(e)
        if message is None:
            raise
        print(message, file=sys.stderr)
        return 1
    return status


def _forget_output() -> None:
    """Nobody reads it: at exit, the interpreter would complain once more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
