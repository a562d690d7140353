"""Facts about the served models, where LangChain's tools look for them: `_profiles`."""
