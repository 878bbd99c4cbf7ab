"""The decimal digits of ints of hundreds of digits and more.

`int.__repr__` takes time that grows with the square of their number (before Python 3.12), and refuses more than
`sys.get_int_max_str_digits()`, so that a few bytes from a stranger cannot cost seconds. Here the time grows nearly as their
number does: libmpdec, on which `decimal` is built, multiplies by number theoretic transforms. In a Python without it
(`_pydecimal`) the limit applies.
"""

from __future__ import annotations

import decimal

# Pieces of so many bytes are converted as they are.
_PIECE = 128

# Nothing is rounded: a result that would have to be is an error.
_context = decimal.Context(
    prec=decimal.MAX_PREC,
    Emax=decimal.MAX_EMAX,
    Emin=decimal.MIN_EMIN,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow],
)


def digits(number: int) -> str:
    """What `int.__repr__` would say."""
    if number < 0:
        return "-" + digits(-number)
    raw = number.to_bytes(number.bit_length() // 8 + 1, "little")
    pieces = [decimal.Decimal(int.from_bytes(raw[i : i + _PIECE], "little")) for i in range(0, len(raw), _PIECE)]
    radix = decimal.Decimal(256**_PIECE)
    while len(pieces) > 1:
        if len(pieces) % 2:
            pieces.append(decimal.Decimal(0))
        pairs = zip(pieces[::2], pieces[1::2], strict=True)
        pieces = [_context.fma(high, radix, low) for low, high in pairs]
        if len(pieces) > 1:
            radix = _context.multiply(radix, radix)
    return str(pieces[0])
