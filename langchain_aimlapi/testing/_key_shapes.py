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
_TELEGRAM_ALONE = rf"(?<=[0-9]{{8}}:AA)(?P<secret>{_WORD}{{32,}})"
_DISCORD_BOT = rf"{_WORD}{{23,27}}\.{_WORD}{{6}}\.{_WORD}{{27,}}"
_UUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
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
        _Shape("lin_oauth_", "[A-Za-z0-9]{30,}"),
        *(_Shape(f"gl{kind}-", _WORD + "{20,}") for kind in ("dt", "ft", "ptt", "rt")),  # GitLab
        *(_Shape(f"shp{kind}_", "[0-9a-fA-F]{32}") for kind in ("ca", "pa", "ss")),  # Shopify
        *(_Shape(f"do{kind}_v1_", "[0-9a-f]{40,}") for kind in "or"),  # DigitalOcean
        *(_Shape(f"pat-{place}", f"[0-9]-{_UUID}") for place in ("na", "eu", "ap")),  # HubSpot
        *(_Shape(f"dckr_{kind}_", _WORD + "{20,}") for kind in ("pat", "oat")),  # Docker
        *(_Shape(f"hv{kind}.", _WORD + "{20,}") for kind in "sbr"),  # Vault
        *(_Shape(f"dp.{kind}.", "[A-Za-z0-9_.]{40,}") for kind in ("pt", "st", "ct")),  # Doppler
        *(_Shape(f"pscale_{kind}_", r"[\w.-]{30,}") for kind in ("tkn", "pw", "oauth")),
        *(_Shape(f"AT{kind}TT3", r"[\w=-]{60,}") for kind in "AC"),  # Atlassian
        *(_Shape(f"sq0{kind}-", _WORD + "{22,}") for kind in ("atp", "csp")),  # Square
        *(_Shape(kind, _DISCORD_BOT) for kind in "MNO"),
        _Shape("ls__", "[0-9a-f]{32}"),  # LangSmith, before 2024
        _Shape("1//0", _WORD + "{40,}"),  # Google's refresh tokens
        _Shape("AQ.", _WORD + "{40,}"),
        _Shape("ABSK", "[A-Za-z0-9+/=]{100,}"),  # Bedrock
        _Shape("SK", "[0-9a-f]{32}(?![0-9A-Za-z])"),  # Twilio
        _Shape("key-", "[0-9a-f]{32}(?![0-9A-Za-z])"),  # Mailgun
        _Shape("xkeysib-", _WORD + "{40,}"),  # Brevo
        _Shape("re_", "[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}"),  # Resend
        _Shape("sk_", "[0-9a-f]{48}"),  # ElevenLabs
        _Shape("csk-", "[A-Za-z0-9]{40,}"),  # Cerebras
        _Shape("pa-", "[A-Za-z0-9_]{43}(?![A-Za-z0-9_])"),  # Voyage
        _Shape("tgp_v1_", _WORD + "{40,}"),  # Together
        _Shape("fw_", "(?=[A-Za-z]*[0-9])[A-Za-z0-9]{22,}"),  # Fireworks
        _Shape("e2b_", "[0-9a-f]{40}"),
        _Shape("apify_api_", "[A-Za-z0-9]{30,}"),
        _Shape("api_org_", "[A-Za-z]{34}"),  # Hugging Face
        _Shape("bb_live_", _WORD + "{20,}"),  # Browserbase
        _Shape("secret_", "(?=[A-Za-z]*[0-9])[A-Za-z0-9]{43}"),  # Notion, before 2024
        _Shape("pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),  # Airtable
        _Shape("figd_", _WORD + "{40,}"),  # Figma
        _Shape("PMAK-", "[0-9a-f]{24}-[0-9a-f]{34}"),  # Postman
        _Shape("NRAK-", "[A-Z0-9]{27}"),  # New Relic
        _Shape("glsa_", "[A-Za-z0-9_]{30,}"),
        _Shape("glc_", "[A-Za-z0-9+/=]{32,}"),  # Grafana
        _Shape("sntryu_", "[0-9a-f]{64}"),  # Sentry
        _Shape(".atlasv1.", "(?P<secret>[A-Za-z0-9=_-]{60,})", within=True),  # Terraform
        _Shape("sbp_", "[0-9a-f]{40}"),  # Supabase
        _Shape("sb_secret_", _WORD + "{20,}"),
        _Shape("vercel_blob_rw_", _WORD + "{20,}"),
        _Shape("nfp_", "[A-Za-z0-9]{36}"),  # Netlify
        _Shape("fo1_", _WORD + "{40,}"),  # Fly
        _Shape("fm2_", "[A-Za-z0-9+/=_-]{60,}"),
        _Shape("HRKU-", _WORD + "{36,}"),  # Heroku
        _Shape("v1.0-", "[0-9a-f]{24}-[0-9a-f]{146}"),  # Cloudflare
        _Shape("sl.", _WORD + "{130,}"),  # Dropbox
        _Shape("CFPAT-", _WORD + "{43}"),  # Contentful
        _Shape("unkey_", "[A-Za-z0-9]{20,}"),
        _Shape("AGE-SECRET-KEY-1", "[A-Z0-9]{58}"),
        _Shape("pk_", "[0-9]{6,}_[A-Z0-9]{32}"),  # ClickUp
        _Shape("ops_eyJ", _WORD + "{100,}"),  # 1Password
        _Shape("pul-", "[0-9a-f]{40}"),  # Pulumi
        _Shape("sgp_", "[0-9a-f_]{40,}"),  # Sourcegraph
        _Shape("phx_", "[A-Za-z0-9]{30,}"),  # PostHog
        _Shape("rubygems_", "[0-9a-f]{48}"),
        _Shape("tskey-", r"[a-z]+-\w{10,}-\w{20,}"),  # Tailscale
        _Shape("AccountKey=", "(?P<secret>[A-Za-z0-9+/]{40,}={0,2})", within=True),  # Azure
        _Shape("SharedAccessKey=", "(?P<secret>[A-Za-z0-9+/]{40,}={0,2})", within=True),
        _Shape("/webhookb2/", "(?P<secret>[A-Za-z0-9@/-]{60,})", within=True),  # Teams
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
        _Shape(":AA", _TELEGRAM_ALONE, within=True),
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
