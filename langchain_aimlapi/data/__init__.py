"""Plain facts: about the served models, where LangChain's tools look for them, and the version.

In goes a model id, out comes what is known of it. The doors are `_profiles` (the name is
LangChain's) and `version`.
"""
