"""The one error of this kit, for whatever a cassette and its use disagree on."""


class CassetteError(AssertionError):
    """A cassette and the test that used it do not fit together; the text says in what."""
