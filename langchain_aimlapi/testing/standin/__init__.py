"""A server that stands in for AI/ML API's chat completions, over real sockets on loopback.

**What it shows**: that a client sends requests which the documented schema allows, reads both
dialects whole and streamed, returns thought signatures on the calls that they belong to, and
bears with faults. **What it cannot show**: that the live endpoint behaves so. It is no model:
its texts say so, its ids begin with `standin-`, its answers carry the header `x-standin`.
What is streamed of reasoning and tool calls, how signatures are judged, and that the older
ids take video, files and audio is assumed, from OpenRouter's and Google's documents.

    with StandIn() as server:
        model = ChatAIMLGemini(base_url=server.base_url, api_key="any")

Requests come in over HTTP at `_app`, which checks them (`_schema`, `_gemini`, `_signatures`; what
`strict=True` adds stands at `StandIn`), has them answered (`_rules`, or what
`StandIn.answer_next` queued) and writes the answer (`_openrouter`, `_vertex`, `_response`). The
door are `StandIn`, what it shows of requests (`Received`) and the command (`serve`). Needs the
extra `testing` (starlette and uvicorn are imported only here).
"""

from langchain_aimlapi.testing.standin._exchange import Received
from langchain_aimlapi.testing.standin._serve import serve
from langchain_aimlapi.testing.standin.server import StandIn

__all__ = ["Received", "StandIn", "serve"]
