"""The task page of a preference, and its two sides swapped."""

from __future__ import annotations

from marketplace.formats.interface import Ask, Presentation, Show
from marketplace.formats.preference.schema import Answer, CriterionScore, Prompt
from marketplace.formats.text import WORDS_A_SECOND, words

SCALE = (
    ("-3", "A is much better"),
    ("-2", "A is better"),
    ("-1", "A is slightly better"),
    ("0", "About the same"),
    ("1", "B is slightly better"),
    ("2", "B is better"),
    ("3", "B is much better"),
)


def presentation(prompt: Prompt) -> Presentation:
    """The prompt, the pair side by side, then scale, criteria where asked, and reason."""
    asks = [Ask("overall", widget="scale", options=SCALE)]
    if prompt.criteria:
        asks.append(Ask("scores", widget="criteria", per="criteria"))
    asks += [Ask("rationale"), Ask("both_bad")]
    return Presentation(
        shows=(Show("prompt", "markdown", "Prompt"), Show("response", "pair", "Answers")),
        asks=tuple(asks),
    )


def estimate_seconds(prompt: Prompt) -> int:
    """Reading once, going back over both answers, and writing the reason."""
    read = words(prompt.prompt, prompt.response_a, prompt.response_b) // WORDS_A_SECOND
    return 45 + read + read // 2 + 15 * len(prompt.criteria)


def mirror_prompt(prompt: Prompt) -> Prompt:
    """The same pair with its sides swapped."""
    return prompt.model_copy(
        update={"response_a": prompt.response_b, "response_b": prompt.response_a}
    )


def mirror_answer(answer: Answer) -> Answer:
    """What the answer says about the pair with its sides swapped; the reason's words stay."""
    scores = [CriterionScore(criterion=s.criterion, a=s.b, b=s.a) for s in answer.scores]
    return answer.model_copy(update={"overall": -answer.overall, "scores": scores})
