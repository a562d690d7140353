"""What a recorded test may be told, and where; vcrpy takes any misspelling without a word."""

import inspect
from pathlib import Path
from typing import Any

from langchain_aimlapi._json import JsonMapping

MARKER_OPTIONS = frozenset(
    {
        "additional_matchers",
        "allow_playback_repeats",
        "allow_unused",
        "before_record_request",
        "before_record_response",
        "custom_patches",
        "decode_compressed_response",
        "drop_unused_requests",
        "error_statuses",
        "filter_headers",
        "filter_post_data_parameters",
        "filter_query_parameters",
        "ignore_hosts",
        "ignore_localhost",
        "match_on",
        "record_mode",
        "secrets",
    }
)
"""What `@pytest.mark.vcr` may say."""

# For a whole project they would hide what a recording is checked for.
_ONE_TEST_ONLY = {
    name: f"say it for the test that needs it: @pytest.mark.vcr({name}={example})"
    for name, example in (("error_statuses", "[429]"), ("allow_unused", "True"))
}
_OWNED = {
    "serializer": "the kit has its own, without which secrets reach the file",
    "persister": "the kit has its own",
    "path": "override the fixture default_cassette_name",
    "path_transformer": "override the fixture vcr_cassette_dir",
    "func_path_generator": "override the fixture vcr_cassette_dir",
    "cassette_library_dir": "override the fixture vcr_cassette_dir",
    "inject_cassette": "ask for the fixture vcr",
    "skip_patchers": "the kit's patches serve all cassettes at once",
}
_CONFIG_ONLY = frozenset({"allowed_hosts", "before_record", "record_on_exception"})


def option_faults(options: JsonMapping, *, is_marker: bool, place: str) -> str:
    """Return what is wrong with the options of a recorded test, or nothing.

    Args:
        options: As `vcr_config` or a marker has them.
        is_marker: Whether a marker has them.
        place: Where they stand, for the text.
    """
    known = MARKER_OPTIONS if is_marker else _config_options()
    faults = []
    for name in sorted(set(options) - known):
        reason = _OWNED.get(name) or (None if is_marker else _ONE_TEST_ONLY.get(name))
        faults.append(f"no option {name}" + (f" here ({reason})" if reason else ""))
    if not faults:
        return ""
    return f"{place} knows {'; '.join(faults)}. It knows {', '.join(sorted(known))}"


def place_of(function: Any) -> str:
    """Return the file and the line where a function is, as editors understand it."""
    code = inspect.unwrap(function).__code__
    path = Path(code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{code.co_firstlineno}"


def _config_options() -> frozenset[str]:
    """Return what `vcr_config` may hold: what the installed vcrpy knows, less what is ours."""
    from vcr import VCR

    vcrpy = set(inspect.signature(VCR.__init__).parameters) - {"self"}
    misplaced = {*_OWNED, *_ONE_TEST_ONLY}
    return frozenset((vcrpy | MARKER_OPTIONS | _CONFIG_ONLY) - misplaced)
