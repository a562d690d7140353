"""The forms of well-known keys, in which they are found without being known.

In goes a text, out come the places where something looks like a key. Each search is linear in
the text.
"""

import re
from typing import NamedTuple

Span = tuple[int, int]
"""Start and end of a part of a text."""


class _Shape(NamedTuple):
    """How the keys of one service look: how they begin, and the rest as a pattern.

    `within` says that the key may follow a letter or a digit. Others must not: in base64 any
    four letters turn up sooner or later.
    """

    start: str
    rest: str
    within: bool = False

    def pattern(self) -> re.Pattern[str]:
        """Return the whole, its literal start first: so the regex engine can skip to it."""
        start = re.escape(self.start)
        guard = "" if self.within else rf"(?<![A-Za-z0-9_-]{start})"
        return re.compile(start + guard + self.rest)


_WORD = r"[A-Za-z0-9_-]"
_DISCORD = rf"(?P<secret>[0-9]{{15,}}/{_WORD}{{30,}})"
_TELEGRAM = rf"(?P<secret>[0-9]{{6,12}}:{_WORD}{{30,}})"  # in the path
_KEYS = tuple(
    (shape.start, shape.pattern())
    for shape in (
        _Shape("sk-", _WORD + "{16,}"),  # OpenAI, OpenRouter, Anthropic, DeepSeek, many gateways
        *(
            _Shape(f"{kind}_{mode}_", "[A-Za-z0-9]{16,}")
            for kind in ("sk", "rk")
            for mode in ("live", "test")
        ),
        _Shape("whsec_", "[A-Za-z0-9+/=]{24,}"),  # Stripe's webhooks
        _Shape("gsk_", "[A-Za-z0-9]{20,}"),  # Groq
        _Shape("pcsk_", "[A-Za-z0-9_]{20,}"),  # Pinecone
        _Shape("lsv2_", "[a-z]{2}_[A-Za-z0-9_]{20,}"),  # LangSmith
        _Shape("tvly-", _WORD + "{16,}"),  # Tavily
        _Shape("pplx-", "[A-Za-z0-9]{20,}"),  # Perplexity
        _Shape("xai-", "[A-Za-z0-9]{20,}"),
        _Shape("nvapi-", _WORD + "{20,}"),
        _Shape("jina_", "[A-Za-z0-9_-]{30,}"),
        _Shape("fc-", "[0-9a-f]{32}"),  # Firecrawl
        _Shape("r8_", "[A-Za-z0-9]{30,}"),  # Replicate
        _Shape("hf_", "[A-Za-z0-9]{30,}"),  # Hugging Face
        _Shape("dapi", "[0-9a-f]{32}"),  # Databricks
        _Shape("AIza", _WORD + "{35}"),  # Google
        _Shape("GOCSPX-", _WORD + "{20,}"),
        _Shape("ya29.", _WORD + "{20,}"),
        _Shape("AKIA", "[A-Z0-9]{16}"),  # AWS
        _Shape("ASIA", "[A-Z0-9]{16}"),
        *(_Shape(f"gh{kind}_", "[A-Za-z0-9]{30,}") for kind in "pousr"),  # GitHub
        _Shape("github_pat_", "[A-Za-z0-9_]{22,}"),
        _Shape("glpat-", _WORD + "{20,}"),  # GitLab
        _Shape("npm_", "[A-Za-z0-9]{36}"),
        _Shape("pypi-", _WORD + "{40,}"),
        _Shape("dop_v1_", "[0-9a-f]{40,}"),  # DigitalOcean
        _Shape("SG.", _WORD + r"{16,}\." + _WORD + "{16,}"),  # SendGrid
        _Shape("shpat_", "[0-9a-fA-F]{32}"),  # Shopify
        _Shape("sntrys_", "[A-Za-z0-9+/=_-]{20,}"),  # Sentry
        _Shape("ntn_", "[A-Za-z0-9]{30,}"),  # Notion
        _Shape("lin_api_", "[A-Za-z0-9]{30,}"),  # Linear
        *(_Shape(f"xox{kind}-", "[A-Za-z0-9-]{10,}") for kind in "abeoprs"),  # Slack
        _Shape("xapp-", "[A-Za-z0-9-]{20,}"),
        _Shape(
            "hooks.slack.com/",
            "(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/]{16,})",
            within=True,
        ),
        _Shape("/api/webhooks/", _DISCORD, within=True),
        _Shape("bot", _TELEGRAM),
        _Shape("/bot", _TELEGRAM, within=True),
        _Shape("eyJ", rf"{_WORD}{{8,}}\.eyJ{_WORD}{{8,}}\.{_WORD}*"),  # JSON web tokens
        _Shape(
            "-----BEGIN",
            r"[ +][A-Z +]{0,30}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----"
            r"[A-Za-z0-9+/=\s\\%:,_]*(?:-(?!----)[A-Za-z0-9+/=\s\\%:,_]*)*"
            r"(?:-----END[ +][A-Z +]{0,40}-----)?",
            within=True,
        ),
        _Shape(  # user and password; "user:password@" stands in many a manual
            "://",
            r"(?P<secret>[^/?#@:\s\"'\\<>]{0,200}:(?!(?:[a-z]+|REDACTED)@)[^/?#@\s\"'\\<>]{1,400})@",
            within=True,
        ),
    )
)
# Account ids as OpenRouter and OpenAI write them into errors and headers.
_ACCOUNT = r"[-_](?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{16,}"
_ACCOUNTS = tuple(
    (kind, _Shape(kind, _ACCOUNT).pattern()) for kind in ("user", "org", "proj", "acct")
)
# A digit tells a token from the next word: "the bearer understands" is no credential.
_SCHEME = re.compile(
    r"(?i:\b(?:bearer|basic))\s+(?=[^\s\"]*[0-9])(?P<secret>[A-Za-z0-9._~+/=-]{16,})"
)


def shaped_spans(text: str, *, accounts: bool) -> list[Span]:
    """Return where `text` holds what has the form of a key, in no order.

    Args:
        text: With its escapes undone, or those that matter: what stands before a key decides
            whether it is one.
        accounts: Whether ids of accounts are looked for as well.
    """
    found = [
        match.span("secret" if pattern.groups else 0)
        for start, pattern in (*_KEYS, *(_ACCOUNTS if accounts else ()))
        if start in text
        for match in pattern.finditer(text)
    ]
    lower = text.lower()
    if "bearer" in lower or "basic" in lower:
        found += [match.span("secret") for match in _SCHEME.finditer(text)]
    return found
