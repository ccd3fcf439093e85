"""Python without a network: every attempt to reach one fails."""

import socket


def refuse(*words, **_):
    raise OSError(f"no network here, but {words[1:]} was asked for")


socket.socket.connect = refuse
socket.socket.connect_ex = refuse
socket.getaddrinfo = refuse
