"""How a peer is shown that a part is not the whole."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Any


def reset_on_close(sock: Any) -> None:
    """Have a TCP socket's close send RST: the peer's last read fails, where a FIN would look like a regular end."""
    with suppress(OSError, AttributeError, ValueError):  # not a socket, or not one any more
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
