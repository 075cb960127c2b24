"""Python imports this at its start if the folder is on PYTHONPATH: then there is no network but this machine.

The lessons are run so (`pytest --nbval --world closed`) to show that they need none.
"""

import socket

_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
_NOBODY = "the closed world has no network"


def _is_here(host):
    if isinstance(host, bytes):
        host = host.decode()
    return host is None or host in ("", "localhost", "::1", "0.0.0.0") or str(host).startswith("127.")


def _refuse_strangers(method):
    def closed(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
            raise OSError(101, f"Network is unreachable: {_NOBODY}")
        return method(self, address)

    return closed


def _look_up(host, *args, **kwargs):
    if not _is_here(host):
        raise socket.gaierror(socket.EAI_AGAIN, f"Temporary failure in name resolution: {_NOBODY}")
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect = _refuse_strangers(_connect)
socket.socket.connect_ex = _refuse_strangers(_connect_ex)
socket.getaddrinfo = _look_up
