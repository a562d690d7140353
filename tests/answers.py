"""Random answers of the endpoint, whole and streamed, with clients that serve them.

    completion = draw(answers())            # a wire completion, dialect O or V
    events = events_of(completion, draw)    # the same answer as chunks, fragmented at random
    completion, events = draw(streamed_answers())   # both at once
    data = sse(events)                      # as the bytes of a stream
    blocks = draw(cuts(data))               # as blocks of bytes, cut anywhere
    there = served(completion, events)      # or served(completion, blocks)
    model = model_of(there)                 # ChatAIMLGemini, sync and async, without a network
    there.bodies                            # the request bodies that it sent

Every answer is a good one (it has an ending, and something in it or a reason for nothing), and its
streamed form says exactly the same. Where the wire is ambiguous by nature (two reasoning details of
one type, index and id), the ambiguous form is left out.
"""

from tests.serving import COST_HEADERS, KEY, MODEL, Served, model_of, served
from tests.streams import Streamed, cuts, events_of, sse, streamed_answers
from tests.wholes import JSON, SIGNATURES, TEXTS, Dialect, Json, answers

__all__ = [
    "COST_HEADERS",
    "JSON",
    "KEY",
    "MODEL",
    "SIGNATURES",
    "TEXTS",
    "Dialect",
    "Json",
    "Served",
    "Streamed",
    "answers",
    "cuts",
    "events_of",
    "model_of",
    "served",
    "sse",
    "streamed_answers",
]
