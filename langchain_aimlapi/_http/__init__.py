"""Bytes and time: sends a call, retries it, reads what comes. It knows no messages.

In goes a `call.Call`, one plain value with all that is to be sent, and a decoder for what comes
back; out come what the decoder made of it, or an error of `langchain_aimlapi.errors`.

The doors are `call` (the value), `transport` (`send`, `asend`, `stream`, `astream`), `client_pool`
(the connections of one model). `transport` imports httpx, so it is imported with the first call.
"""
