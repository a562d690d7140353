"""The settings of a model, and what of them one call may change.

In go the constructor's and a call's keywords, under our names or other packages'; out come the
model's fields (`fields.GeminiSettings`) and, for a call, one typed value
(`call_options.CallOptions`). `names` knows the names, `validators` the ranges.
"""
