from typing import Any

import ray

from langchain_aimlapi import ChatAIMLGemini


def columns(answer: Any) -> dict[str, Any]:
    """Return what the row of an answer, or of a failed call, gains."""
    if isinstance(answer, Exception):
        return {"answer": "", "error": str(answer), "credits": 0}
    cost = answer.response_metadata.get("credits_used") or 0
    return {"answer": answer.text, "error": "", "credits": cost}


class Ask:
    """One in each worker process, with a model and connections of its own."""

    def __init__(self, **settings: Any) -> None:
        self.model = ChatAIMLGemini(**settings)  # the key: AIMLAPI_API_KEY of the worker

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        prompts = batch["prompt"].tolist()
        answers: list[Any] = self.model.batch(
            prompts, {"max_concurrency": 16}, return_exceptions=True
        )
        rows = [columns(one) for one in answers]
        if all(row["error"] for row in rows):
            raise answers[0]  # a wrong key, say: to ask on would only cost time
        return {**batch, **{name: [row[name] for row in rows] for name in rows[0]}}


questions = [{"id": number, "prompt": f"Is {number} a prime number?"} for number in range(100)]
answers = (
    ray.data.from_items(questions, override_num_blocks=10)  # or read_parquet(...)
    .map_batches(
        Ask,
        fn_constructor_kwargs={"model": "google/gemini-3-flash-preview"},
        batch_size=10,
        num_cpus=0.25,  # a worker mostly waits
        compute=ray.data.ActorPoolStrategy(size=2),
    )
    .materialize()  # or write_parquet(...)
)
answers.sum("credits")  # what it cost
