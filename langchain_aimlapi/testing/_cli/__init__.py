"""The kit's command line: record, verify, show, scrub, index, serve.

In go the arguments of the process and the project's cassettes and tests, out come text on the
streams, rewritten cassettes and an exit status. The door is `main.main`; `record.recording`,
`verify.cassette_findings`, `show.conversation_text` and `index.index_text` do the work.
"""
