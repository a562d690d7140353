"""LangChain messages to the endpoint's JSON, and back. No network, no clock.

In go LangChain messages, tools and schemas, or the bytes of an answer; out come a plain dict that
can be sent, or LangChain messages and chunks.

The doors are `request` (a whole request), `completion` (a whole answer), `stream` (an answer in
pieces), `tools`, `tool_schemas`, `json_schema` (what a model may be given), `content_blocks` (the
standard view of a message). What a thought signature sits on is read and written in `reasoning`
alone.
"""
