"""`python -m rjson`: the command rjson."""

import sys

from rjson._cli import main

if __name__ == "__main__":
    sys.exit(main())
